package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.adapter.MultiDataSetIteratorAdapter;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.dataset.api.iterator.MultiDataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

import java.util.Arrays;
import java.util.Map;

/** Access to the step sizes of a network that trains with a {@link StepSizeUpdater}. */
public final class StepSizes {

    private StepSizes() {
    }

    /**
     * The record of the network's latest training iteration.
     *
     * @param model a MultiLayerNetwork or ComputationGraph
     * @return null if the network has not trained with a step size updater since it was made or loaded
     */
    public static StepRecord lastRecord(Model model) {
        StepSizeSearch search = searchOf(model);
        return search == null ? null : search.lastRecord();
    }

    /**
     * A copy of the network with the average of its iterates, constraints applied, in the place of its parameters: for
     * evaluation, early stopping, saving. The original, which goes on training, is not touched. Whoever trains the
     * copy begins anew, with first steps and a first average. So do layers with an updater of DL4J's, which takes its first
     * iterations for later ones, for the copy counts on: set its count of iterations to 0 before.
     * <p>
     * Between two epochs of {@code fit(iterator)} networks with {@link AutoUpdater} or {@link ScheduleFreeUpdater} are the
     * average themselves.
     * <p>
     * The statistics of BatchNormalization layers are those of the network's latest batches, which belong to its own
     * parameters. Where there are such layers, {@link #averaged(Model, MultiDataSetIterator)} does better.
     * <p>
     * Parameters that were set in the middle of a training ({@code setParams}) do not end the average of those before: begin
     * anew with {@code network.setUpdater(null)}. Nor do other data, unless the losses tell an updater that averages by
     * itself. A TransferLearningHelper trains a network of its own, {@code unfrozenMLN()} or {@code unfrozenGraph()}, which
     * has the average.
     *
     * @param model a MultiLayerNetwork or ComputationGraph whose updater was built with {@code averaging(true)}, or averages
     *              by itself ({@link AutoUpdater}, {@link ScheduleFreeUpdater})
     * @return without listeners
     * @throws IllegalStateException if there is no average
     */
    @SuppressWarnings("unchecked")
    public static <M extends Model> M averaged(M model) {
        StepSizeSearch search = install(Check.given("model", model));
        if (search == null) {
            throw new IllegalStateException("the network has no step size updater that could have averaged its iterates");
        }
        M copy = (M) BatchNormStatistics.copy(model);
        copy.setParams(search.averagedParameters());
        // The average of unit vectors is no unit vector.
        copy.applyConstraints(0, 0);
        return copy;
    }

    /**
     * As {@link #averaged(Model)}, with the statistics of BatchNormalization layers measured anew.
     *
     * @param data training data, of which some ten batches do, in an iterator of its own: passes over what is left of it, or over
     *             all of it if that is nothing, in about the time that training on it takes
     */
    public static <M extends Model> M averaged(M model, MultiDataSetIterator data) {
        Check.given("data", data);
        M copy = averaged(model);
        BatchNormStatistics.estimate(copy, updaterState(model), data);
        return copy;
    }

    /** As {@link #averaged(Model, MultiDataSetIterator)}. */
    public static <M extends Model> M averaged(M model, DataSetIterator data) {
        return averaged(model, new MultiDataSetIteratorAdapter(Check.given("data", data)));
    }

    /** The search in this network, null if there is none (yet). */
    static StepSizeSearch searchOf(Model model) {
        Updater updater = updaterOf(model);
        return updater instanceof StepSizeNetworkUpdater ? ((StepSizeNetworkUpdater) updater).search() : null;
    }

    /**
     * Makes sure that a network with a step size updater has a search, in place of DL4J's own network updater, whose
     * state it takes over. DL4J makes such updaters anew on many occasions: when a network is loaded or cloned, when a
     * learning rate is set, for each replica of a parallel training.
     *
     * @return null if no layer has a step size updater
     */
    static StepSizeSearch install(Model model) {
        StepSizeSearch present = searchOf(model);
        if (present != null) {
            return present;
        }
        try (MemoryWorkspace none = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
            if (model instanceof MultiLayerNetwork) {
                MultiLayerNetwork network = (MultiLayerNetwork) model;
                if (!usesStepSizes(network.getLayers())) {
                    return null;
                }
                requireGradientDescent(network.conf());
                MultiLayerStepSizeUpdater updater =
                        new MultiLayerStepSizeUpdater(network, requireFitting(updaterState(model), network.getLayers()));
                network.setUpdater(updater);
                return updater.search();
            }
            if (model instanceof ComputationGraph) {
                ComputationGraph network = (ComputationGraph) model;
                if (!usesStepSizes(network.getVertices())) {
                    return null;
                }
                requireGradientDescent(network.conf());
                GraphStepSizeUpdater updater =
                        new GraphStepSizeUpdater(network, requireFitting(updaterState(model), network.getVertices()));
                network.setUpdater(updater);
                return updater.search();
            }
            return null;
        }
    }

    /** The state of the network's updater, not a copy; null if there is none (yet). */
    static INDArray updaterState(Model model) {
        Updater updater = updaterOf(model);
        return updater == null ? null : updater.getStateViewArray();
    }

    private static Updater updaterOf(Model model) {
        if (model instanceof MultiLayerNetwork) {
            return ((MultiLayerNetwork) model).getUpdater(false);
        }
        return model instanceof ComputationGraph ? ((ComputationGraph) model).getUpdater(false) : null;
    }

    /** @return the state, which has to be one that the layers' updaters can have; null if there is none */
    private static INDArray requireFitting(INDArray state, Trainable[] layers) {
        if (state == null) {
            return null;
        }
        long size = 0;
        for (Trainable layer : layers) {
            if (layer.getConfig() != null && layer.numParams() > 0) {
                for (Map.Entry<String, INDArray> parameter : layer.paramTable(false).entrySet()) {
                    size += layer.getConfig().getUpdaterByParam(parameter.getKey()).stateSize(parameter.getValue().length());
                }
            }
        }
        if (state.length() != size) {
            throw new IllegalStateException("the network's updater state has " + state.length() + " numbers, but its updaters"
                    + " need " + size + ": it is that of others, or of another version. Load the network without it, or begin"
                    + " anew with network.setUpdater(null)");
        }
        return state;
    }

    private static boolean usesStepSizes(Trainable[] layers) {
        return Arrays.stream(layers)
                .filter(layer -> layer.getConfig() != null && layer.numParams() > 0)
                .anyMatch(layer -> layer.paramTable(false).keySet().stream()
                        .anyMatch(name -> layer.getConfig().getUpdaterByParam(name) instanceof StepSizeUpdater));
    }

    private static void requireGradientDescent(NeuralNetConfiguration configuration) {
        OptimizationAlgorithm algorithm = configuration.getOptimizationAlgo();
        if (algorithm != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
            throw new IllegalStateException("the network's optimizationAlgo is " + algorithm + ", which searches along"
                    + " lines of its own: step size updaters need STOCHASTIC_GRADIENT_DESCENT, DL4J's default");
        }
    }
}
