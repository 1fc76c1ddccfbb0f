package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.factory.Nd4j;

import java.util.Arrays;

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

    /** The search in this network, null if there is none (yet). */
    static StepSizeSearch searchOf(Model model) {
        Object updater = updaterOf(model);
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
                Updater old = network.getUpdater(false);
                MultiLayerStepSizeUpdater updater =
                        new MultiLayerStepSizeUpdater(network, old == null ? null : old.getStateViewArray());
                network.setUpdater(updater);
                return updater.search();
            }
            if (model instanceof ComputationGraph) {
                ComputationGraph network = (ComputationGraph) model;
                if (!usesStepSizes(network.getVertices())) {
                    return null;
                }
                requireGradientDescent(network.conf());
                ComputationGraphUpdater old = network.getUpdater(false);
                GraphStepSizeUpdater updater =
                        new GraphStepSizeUpdater(network, old == null ? null : old.getStateViewArray());
                network.setUpdater(updater);
                return updater.search();
            }
            return null;
        }
    }

    private static Object updaterOf(Model model) {
        if (model instanceof MultiLayerNetwork) {
            return ((MultiLayerNetwork) model).getUpdater(false);
        }
        return model instanceof ComputationGraph ? ((ComputationGraph) model).getUpdater(false) : null;
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
