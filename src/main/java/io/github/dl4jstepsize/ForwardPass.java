package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.layers.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.layers.OutputLayer;
import org.deeplearning4j.nn.layers.wrapper.BaseWrapperLayer;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.ResetPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.INDArrayIndex;
import org.nd4j.linalg.indexing.NDArrayIndex;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/**
 * The forward half of DL4J's {@code computeGradientAndScore}, once more: the loss of the batch that is being trained on,
 * in training mode, at whatever the parameters are now. Mirrors the original operation by operation, with the same
 * workspaces, so that the result is the same to the bit. It leaves the gradient and the network's score alone, fires no
 * listeners, and leaves masks and recurrent state as they were.
 */
abstract class ForwardPass {

    // The names and configurations are those of MultiLayerNetwork and ComputationGraph, whose constants are protected.
    private static final String ACTIVATIONS = "WS_ALL_LAYERS_ACT";
    private static final String WORKING_MEMORY = "WS_LAYER_WORKING_MEM";
    private static final String RECURRENT_LOOP = "WS_RNN_LOOP_WORKING_MEM";

    private static final WorkspaceConfiguration ACTIVATIONS_CONFIGURATION = WorkspaceConfiguration.builder()
            .initialSize(0).overallocationLimit(0.05).policyLearning(LearningPolicy.FIRST_LOOP)
            .policyReset(ResetPolicy.BLOCK_LEFT).policySpill(SpillPolicy.REALLOCATE)
            .policyAllocation(AllocationPolicy.OVERALLOCATE).build();
    private static final WorkspaceConfiguration WORKING_MEMORY_CONFIGURATION = WorkspaceConfiguration.builder()
            .initialSize(0).overallocationLimit(0.02).policyLearning(LearningPolicy.OVER_TIME).cyclesBeforeInitialization(5)
            .policyReset(ResetPolicy.BLOCK_LEFT).policySpill(SpillPolicy.REALLOCATE)
            .policyAllocation(AllocationPolicy.OVERALLOCATE).build();
    private static final WorkspaceConfiguration RECURRENT_LOOP_CONFIGURATION = WorkspaceConfiguration.builder()
            .initialSize(0).overallocationLimit(0.05).policyReset(ResetPolicy.BLOCK_LEFT)
            .policyAllocation(AllocationPolicy.OVERALLOCATE).policySpill(SpillPolicy.REALLOCATE)
            .policyLearning(LearningPolicy.FIRST_LOOP).build();

    private final Map<String, Pointer> helperWorkspaces = new HashMap<>();

    private final Model network;
    final Objective objective;
    private double objectiveOfTraining;

    /** @param objective what is computed from the output layers */
    ForwardPass(Model network, Objective objective) {
        this.network = network;
        this.objective = objective;
    }

    /**
     * The objective, or the loss, of each output at the current parameters: mean over the batch, the first one with
     * regularisation.
     */
    abstract double[] values(Objective wanted);

    /** Their sum. */
    final double value(Objective wanted) {
        double sum = 0;
        for (double value : values(wanted)) {
            sum += value;
        }
        return sum;
    }

    /** The batch that is being trained on. */
    abstract KeptInput current();

    /** Makes another batch the current one. */
    abstract void use(KeptInput input);

    /** The training pass as DL4J does it; tells the listeners. */
    abstract void computeGradientAndScore();

    abstract Collection<TrainingListener> listeners();

    /** The network's and its optimizer's. */
    final void setListeners(Collection<TrainingListener> listeners) {
        network.setListeners(listeners);
    }

    /** The network's flat gradient. */
    final INDArray gradientView() {
        return network.getGradientsViewArray();
    }

    abstract void setScore(double score);

    /** As {@link #value(Objective)}, for another batch. */
    final double value(Objective wanted, KeptInput input) {
        KeptInput current = current();
        try {
            use(input);
            return value(wanted);
        } finally {
            use(current);
        }
    }

    /** The loss of each output, without regularisation. */
    final double[] losses() {
        double[] losses = values(Objective.LOSS);
        losses[0] -= regularization();
        return losses;
    }

    /** The same with the labels of other examples of the batch, those half a batch away. */
    final double[] lossesWithOtherLabels() {
        INDArray[] labels = current().labels;
        try {
            useLabels(Arrays.stream(labels).map(ForwardPass::halfABatchAway).toArray(INDArray[]::new));
            return losses();
        } finally {
            useLabels(labels);
        }
    }

    private static INDArray halfABatchAway(INDArray labels) {
        long size = labels.size(0);
        // Of some views ND4J makes an empty array, and not all of them say that they are views.
        INDArray own = labels.dup();
        return size == 1 ? own : Nd4j.concat(0, rows(own, size / 2, size), rows(own, 0, size / 2));
    }

    private static INDArray rows(INDArray array, long from, long to) {
        INDArrayIndex[] indices = new INDArrayIndex[array.rank()];
        Arrays.fill(indices, NDArrayIndex.all());
        indices[0] = NDArrayIndex.interval(from, to);
        return array.get(indices);
    }

    /** Puts other labels in the place of the current batch's. */
    abstract void useLabels(INDArray[] labels);

    /** What L1 and L2 add to the loss. */
    abstract double regularization();

    /**
     * Runs the training pass on another batch, unheard by listeners. The gradient, summed over the examples and without
     * regularisation, is in the gradient view afterwards.
     *
     * @return the loss
     */
    final double gradient(KeptInput input) {
        KeptInput current = current();
        double score = score();
        List<TrainingListener> listeners = new ArrayList<>(listeners());
        listeners().clear();
        try {
            use(input);
            computeGradientAndScore();
            return score();
        } finally {
            listeners().addAll(listeners);
            setScore(score);
            use(current);
            for (Layer layer : layers()) {
                layer.clearNoiseWeightParams();
            }
        }
    }

    /**
     * What a layer reads in the current batch if that is an input of the network, as it is or through layers without
     * parameters; otherwise null. Behind a merge it counts as something else.
     */
    abstract INDArray inputOf(Trainable layer);

    /** The layer with parameters that a layer reads, if it is one, as it is or through layers without parameters. */
    abstract Optional<Layer> layerBefore(Trainable layer);

    /** The layers, and vertices without a layer, that read what a layer puts out. */
    abstract List<Trainable> readersOf(Trainable layer);

    /** Whether the backward pass gets as far as a layer. */
    abstract boolean isReachedBackwards(Trainable layer);

    /** Whether a layer's parameters are to move. */
    final boolean isTrained(Trainable layer) {
        return !isFrozen(layer) && isReachedBackwards(layer);
    }

    static boolean isFrozen(Trainable layer) {
        return layer instanceof FrozenLayerWithBackprop
                || layer instanceof GraphVertex && ((GraphVertex) layer).getLayer() instanceof FrozenLayerWithBackprop;
    }

    /** The number of the output that a layer is, or that a loss layer without parameters makes of its outputs; otherwise -1. */
    abstract int outputOf(Trainable layer);

    /** Of the current batch's labels, in the shape that DL4J has given it; null if there is none. */
    abstract INDArray labelMask(int output);

    /** A copy of the current batch. */
    final KeptInput keep() {
        requireKeepable();
        return current().copy();
    }

    /** The network's score: the loss that the training pass computed. */
    final double score() {
        return network.score();
    }

    abstract Layer[] layers();

    /** The weights of the output layers, or of the layers before those without parameters; null if one is behind a merge. */
    final List<INDArray> outputWeights() {
        List<INDArray> all = new ArrayList<>();
        for (Trainable output : outputs()) {
            Trainable layer = output.numParams() > 0 ? output : layerBefore(output).orElse(null);
            if (layer == null) {
                return null;
            }
            layer.paramTable(false).forEach((name, array) -> {
                if (FanIn.of(layer, name) > 0) {
                    all.add(array);
                }
            });
        }
        return all;
    }

    /** Whether DL4J changes the parameters once more after a step. */
    final boolean isConstrained() {
        return Arrays.stream(layers()).anyMatch(layer -> isConstrained(layer.conf().getLayer()));
    }

    private static boolean isConstrained(org.deeplearning4j.nn.conf.layers.Layer layer) {
        if (layer instanceof Bidirectional) {
            return isConstrained(((Bidirectional) layer).getFwd());
        }
        if (layer instanceof org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer) {
            return isConstrained(((org.deeplearning4j.nn.conf.layers.wrapper.BaseWrapperLayer) layer).getUnderlying());
        }
        return layer.getConstraints() != null && !layer.getConstraints().isEmpty();
    }

    final void applyConstraints(int iteration, int epoch) {
        for (Layer layer : layers()) {
            layer.applyConstraints(iteration, epoch);
        }
    }

    /** What makes the network's outputs, in their order. */
    abstract List<Trainable> outputs();

    /** Output layers in the order of outputs. */
    abstract Layer[] outputLayers();

    abstract boolean truncatedBackpropagation();

    /** Called in the backward pass, while the layers still know their labels, and the output layers their inputs. */
    void backwardPass() {
        if (objective != Objective.LOSS) {
            objectiveOfTraining = objective.of(outputLayer(outputLayers()[0]), 0, LayerWorkspaceMgr.noWorkspaces());
        }
    }

    /** What the training pass had: its own output, no further pass. */
    final double valueOfTraining(Objective wanted) {
        return wanted == Objective.LOSS ? score() : objectiveOfTraining;
    }

    /**
     * Called when an iteration is complete: notes for wrapped recurrent layers, as DL4J does for the others, from which
     * state the next segment of truncated backpropagation starts.
     */
    final void iterationDone() {
        if (!truncatedBackpropagation()) {
            return;
        }
        for (Layer layer : layers()) {
            RecurrentLayer recurrent = recurrent(layer);
            if (recurrent != null && recurrent != layer) {
                recurrent.rnnSetPreviousState(recurrent.rnnGetTBPTTState());
            }
        }
    }

    /** The layer that DL4J runs in truncated backpropagation: this one or the one it wraps; null if it has no state. */
    final RecurrentLayer recurrent(Layer layer) {
        Layer inner = layer instanceof BaseWrapperLayer ? ((BaseWrapperLayer) layer).getUnderlying() : layer;
        return truncatedBackpropagation() && inner instanceof RecurrentLayer ? (RecurrentLayer) inner : null;
    }

    /**
     * Whether {@link #valueOfTraining} is that of the very forward pass that was differentiated. Output layers other than
     * {@link OutputLayer} draw new weight noise, or leave out dropout, when they compute the score.
     */
    final boolean scoreIsReproducible() {
        for (Layer layer : outputLayers()) {
            org.deeplearning4j.nn.conf.layers.Layer configuration = layer.conf().getLayer();
            boolean noisy = configuration.getIDropout() != null
                    || configuration instanceof BaseLayer && ((BaseLayer) configuration).getWeightNoise() != null;
            if (noisy && layer.getClass() != OutputLayer.class) {
                return false;
            }
        }
        return true;
    }

    /** The names of the outputs' loss functions. */
    final String lossFunction() {
        return Arrays.stream(outputLayers()).map(layer -> layer.conf().getLayer())
                .map(layer -> layer instanceof BaseOutputLayer ? ((BaseOutputLayer) layer).getLossFn()
                        : layer instanceof LossLayer ? ((LossLayer) layer).getLossFn() : layer)
                .map(loss -> loss.getClass().getSimpleName()).collect(Collectors.joining(" + "));
    }

    /** The layer that computes an output's score. */
    static IOutputLayer outputLayer(Layer layer) {
        Layer inner = inner(layer);
        if (!(inner instanceof IOutputLayer)) {
            throw new IllegalStateException("the network's output layer is a " + inner.getClass().getSimpleName()
                    + ", which has no loss: step size updaters need an output layer with a loss function");
        }
        return (IOutputLayer) inner;
    }

    static Layer inner(Layer layer) {
        return layer instanceof FrozenLayerWithBackprop ? ((FrozenLayerWithBackprop) layer).getInsideLayer() : layer;
    }

    final LayerWorkspaceMgr workspaces(WorkspaceMode mode, CacheMode cacheMode, INDArray input) {
        LayerWorkspaceMgr workspaces;
        if (mode == WorkspaceMode.NONE) {
            workspaces = LayerWorkspaceMgr.noWorkspaces();
        } else {
            workspaces = LayerWorkspaceMgr.builder()
                    .with(ArrayType.INPUT, ACTIVATIONS, ACTIVATIONS_CONFIGURATION)
                    .with(ArrayType.ACTIVATIONS, ACTIVATIONS, ACTIVATIONS_CONFIGURATION)
                    .with(ArrayType.FF_WORKING_MEM, WORKING_MEMORY, WORKING_MEMORY_CONFIGURATION)
                    .with(ArrayType.BP_WORKING_MEM, WORKING_MEMORY, WORKING_MEMORY_CONFIGURATION)
                    .with(ArrayType.RNN_FF_LOOP_WORKING_MEM, RECURRENT_LOOP, RECURRENT_LOOP_CONFIGURATION)
                    .build();
            if (cacheMode != null && cacheMode != CacheMode.NONE) {
                workspaces.setWorkspace(ArrayType.FF_CACHE, ACTIVATIONS, ACTIVATIONS_CONFIGURATION);
            }
            if (input.isAttached()) {
                // The input may live in an asynchronous iterator's workspace, out of which nothing must be moved.
                workspaces.setNoLeverageOverride(input.data().getParentWorkspace().getId());
            }
        }
        workspaces.setHelperWorkspacePointers(helperWorkspaces);
        return workspaces;
    }

    /**
     * Puts recurrent layers back to the state in which the current segment of truncated backpropagation started, and
     * returns what to restore. In DL4J the forward pass reads and advances the "TBPTT state"; the "previous state"
     * follows when the iteration is over.
     */
    final Map<RecurrentLayer, Map<String, INDArray>> rewindRecurrentState() {
        // By identity: a layer's hashCode() is computed from the content of its arrays.
        Map<RecurrentLayer, Map<String, INDArray>> ends = new IdentityHashMap<>();
        for (Layer layer : layers()) {
            RecurrentLayer recurrent = recurrent(layer);
            if (recurrent != null) {
                ends.put(recurrent, recurrent.rnnGetTBPTTState());
                recurrent.rnnSetTBPTTState(recurrent.rnnGetPreviousState());
            }
        }
        return ends;
    }

    static void restoreRecurrentState(Map<RecurrentLayer, Map<String, INDArray>> ends) {
        ends.forEach(RecurrentLayer::rnnSetTBPTTState);
    }

    /** Other batches than the current one, and parts of it, have no recurrent state to start from. */
    private void requireKeepable() {
        if (truncatedBackpropagation()) {
            throw new IllegalStateException("truncated backpropagation through time and a method that measures earlier"
                    + " batches or parts of a batch do not go together: their recurrent state is gone."
                    + " Use BackpropType.Standard or another method");
        }
    }

    /** The arrays of a batch. */
    static final class KeptInput {

        final INDArray[] features;
        final INDArray[] labels;
        final INDArray[] featureMasks;
        final INDArray[] labelMasks;

        KeptInput(INDArray[] features, INDArray[] labels, INDArray[] featureMasks, INDArray[] labelMasks) {
            this.features = features;
            this.labels = labels;
            this.featureMasks = featureMasks;
            this.labelMasks = labelMasks;
        }

        /** Of a copy, the examples from one number, inclusive, to another, exclusive. */
        KeptInput part(long from, long to) {
            long size = features[0].size(0);
            return map(array -> {
                // Layers make a column, step by step of time, of a mask that has a row per example.
                INDArray rows = array.size(0) == size ? array : array.reshape('f', size, array.size(0) / size);
                return rows(rows, from, to).dup();
            });
        }

        KeptInput copy() {
            return map(INDArray::dup);
        }

        private KeptInput map(UnaryOperator<INDArray> operator) {
            return new KeptInput(map(features, operator), map(labels, operator), map(featureMasks, operator),
                    map(labelMasks, operator));
        }

        private static INDArray[] map(INDArray[] arrays, UnaryOperator<INDArray> operator) {
            return arrays == null ? null : Arrays.stream(arrays)
                    .map(array -> array == null ? null : operator.apply(array)).toArray(INDArray[]::new);
        }
    }
}
