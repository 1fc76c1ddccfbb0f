package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.NeuralNetwork;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.params.BatchNormalizationParamInitializer;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.ops.transforms.Transforms;

import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/** The running means and variances of BatchNormalization layers, which are no parameters that one could average. */
final class BatchNormStatistics {

    private static final Set<String> NAMES = Set.of(BatchNormalizationParamInitializer.GLOBAL_MEAN,
            BatchNormalizationParamInitializer.GLOBAL_VAR, BatchNormalizationParamInitializer.GLOBAL_LOG_STD);

    /**
     * What is left of the former statistics: a unit that is dead in all batches has variance 0, whose logarithm, which
     * DL4J keeps, would make NaN.
     */
    private static final double LEFT = 1e-9;
    /**
     * The common logarithm of a standard deviation below which DL4J's own small number is all that counts. The variance of a unit
     * that never varies falls in training until single precision has no room for the part of it that is left.
     */
    private static final double SMALLEST_LOG = -10;

    private BatchNormStatistics() {
    }

    /**
     * Sets a network's statistics to the means of those of the batches, as DL4J's training pass computes them. Nothing
     * else changes.
     *
     * @param network a MultiLayerNetwork or ComputationGraph
     * @param state   of an updater of such a network, which does not change
     * @throws IllegalArgumentException if there are statistics, but no batches
     */
    static void estimate(Model network, INDArray state, MultiDataSetIterator batches) {
        if (network.paramTable().keySet().stream().noneMatch(BatchNormStatistics::isStatistic)) {
            return;
        }
        // DL4J updates the statistics only where it trains: it trains a copy, in which nothing else moves.
        Model copy = copy(network);
        copy.paramTable().forEach((name, values) -> {
            if (name.endsWith(BatchNormalizationParamInitializer.GLOBAL_LOG_STD)) {
                Transforms.max(values, SMALLEST_LOG, false);
            }
        });
        if (!batches.hasNext() && batches.resetSupported()) {
            batches.reset();
        }
        if (!batches.hasNext()) {
            throw new IllegalArgumentException("the iterator has no batches, from which BatchNorm's statistics could be measured"
                    + (batches.resetSupported() ? "" : "; it is at its end and cannot be reset"));
        }
        // DL4J's copies share the configurations of layers within others with the original.
        Map<BatchNormalization, Double> decays = new IdentityHashMap<>();
        for (Layer layer : layers(copy)) {
            if (layer.conf().getLayer() instanceof BatchNormalization) {
                BatchNormalization configuration = (BatchNormalization) layer.conf().getLayer();
                decays.put(configuration, configuration.getDecay());
            }
        }
        // The mean of k values is (k - 1)/k of the mean of the first k - 1, plus 1/k of the last.
        IntConsumer seen = count -> decays.keySet().forEach(layer -> layer.setDecay(Math.max(LEFT, count / (count + 1.0))));
        moveOnlyStatistics(copy, state, seen);
        RandomState random = RandomState.now();
        try {
            seen.accept(0);
            while (batches.hasNext()) {
                ((NeuralNetwork) copy).fit(batches.next());
            }
        } finally {
            random.restore();
            decays.forEach(BatchNormalization::setDecay);
        }
        Map<String, INDArray> estimated = copy.paramTable();
        network.paramTable().forEach((name, values) -> {
            if (isStatistic(name)) {
                values.assign(estimated.get(name));
            }
        });
    }

    /** @param parameter its name in a network's table of parameters */
    static boolean isStatistic(String parameter) {
        return NAMES.contains(parameter.substring(parameter.lastIndexOf('_') + 1));
    }

    /** The network as it is, without listeners and its updater's state. */
    static Model copy(Model network) {
        INDArray parameters = network.params().dup();
        if (network instanceof MultiLayerNetwork) {
            MultiLayerNetwork copy =
                    new MultiLayerNetwork(((MultiLayerNetwork) network).getLayerWiseConfigurations().clone());
            copy.init(parameters, false);
            return copy;
        }
        ComputationGraphConfiguration original = ((ComputationGraph) network).getConfiguration();
        ComputationGraphConfiguration configuration = original.clone();
        // DL4J's clone forgets them.
        configuration.setIterationCount(original.getIterationCount());
        configuration.setEpochCount(original.getEpochCount());
        ComputationGraph copy = new ComputationGraph(configuration);
        copy.init(parameters, false);
        return copy;
    }

    /**
     * @param state room for that of updaters that do nothing; null for a new one
     * @param seen  takes the number of updates so far after each: truncated backpropagation makes several of a batch
     */
    private static void moveOnlyStatistics(Model network, INDArray state, IntConsumer seen) {
        AtomicInteger updates = new AtomicInteger();
        Consumer<Gradient> onlyStatistics = gradient -> {
            leaveOnlyStatistics(gradient);
            seen.accept(updates.incrementAndGet());
        };
        if (network instanceof MultiLayerNetwork) {
            ((MultiLayerNetwork) network).setUpdater(new MultiLayerUpdater((MultiLayerNetwork) network, state) {
                @Override
                public void update(Gradient gradient, int iteration, int epoch, int batchSize, LayerWorkspaceMgr workspaces) {
                    onlyStatistics.accept(gradient);
                }
            });
        } else {
            ((ComputationGraph) network).setUpdater(new ComputationGraphUpdater((ComputationGraph) network, state) {
                @Override
                public void update(Gradient gradient, int iteration, int epoch, int batchSize, LayerWorkspaceMgr workspaces) {
                    onlyStatistics.accept(gradient);
                }
            });
        }
    }

    private static void leaveOnlyStatistics(Gradient gradient) {
        Map<String, INDArray> changes = new HashMap<>();
        gradient.gradientForVariable().forEach((name, values) -> {
            if (isStatistic(name)) {
                changes.put(name, values.dup());
            }
        });
        gradient.gradient().assign(0);
        changes.forEach((name, values) -> gradient.gradientForVariable().get(name).assign(values));
    }

    private static Layer[] layers(Model network) {
        return network instanceof MultiLayerNetwork ? ((MultiLayerNetwork) network).getLayers()
                : ((ComputationGraph) network).getLayers();
    }
}
