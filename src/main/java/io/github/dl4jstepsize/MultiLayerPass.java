package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@link ForwardPass} of a MultiLayerNetwork. */
final class MultiLayerPass extends ForwardPass {

    private final MultiLayerNetwork network;
    private final MultiLayerConfiguration configuration;

    MultiLayerPass(MultiLayerNetwork network, Objective objective) {
        super(network, objective);
        this.network = network;
        this.configuration = network.getLayerWiseConfigurations();
    }

    @Override
    double[] values(Objective wanted) {
        LayerWorkspaceMgr workspaces = workspaces(configuration.getTrainingWorkspaceMode(), configuration.getCacheMode(),
                network.getInput());
        Layer[] layers = layers();
        int last = layers.length - 1;
        Map<RecurrentLayer, Map<String, INDArray>> recurrentState = rewindRecurrentState();
        try (MemoryWorkspace all = workspaces.notifyScopeEntered(ArrayType.ACTIVATIONS)) {
            INDArray activations = workspaces.leverageTo(ArrayType.INPUT, network.getInput());
            for (int i = 0; i < last; i++) {
                try (MemoryWorkspace working = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
                    activations = activate(layers[i], preProcess(activations, i, workspaces), workspaces);
                }
            }
            activations = preProcess(activations, last, workspaces);
            IOutputLayer output = outputLayer(layers[last]);
            output.setInput(activations, workspaces);
            output.setLabels(network.getLabels());
            try (MemoryWorkspace working = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
                return new double[]{wanted.of(output, regularization(), workspaces)};
            }
        } finally {
            restoreRecurrentState(recurrentState);
            for (Layer layer : layers) {
                layer.clearNoiseWeightParams();
            }
        }
    }

    @Override
    double regularization() {
        return network.calcRegularizationScore(true);
    }

    private INDArray preProcess(INDArray activations, int layer, LayerWorkspaceMgr workspaces) {
        InputPreProcessor preProcessor = configuration.getInputPreProcess(layer);
        return preProcessor == null ? activations
                : preProcessor.preProcess(activations, network.getInputMiniBatchSize(), workspaces);
    }

    private INDArray activate(Layer layer, INDArray input, LayerWorkspaceMgr workspaces) {
        RecurrentLayer recurrent = recurrent(layer);
        return recurrent == null ? layer.activate(input, true, workspaces)
                : recurrent.rnnActivateUsingStoredState(input, true, false, workspaces);
    }

    @Override
    INDArray inputOf(Trainable layer) {
        return layerBefore(layer).isPresent() ? null : network.getInput();
    }

    @Override
    Optional<Layer> layerBefore(Trainable layer) {
        Optional<Layer> before = Optional.empty();
        for (Layer next : layers()) {
            if (next == layer) {
                break;
            }
            if (next.numParams() > 0) {
                before = Optional.of(next);
            }
        }
        return before;
    }

    @Override
    List<Trainable> readersOf(Trainable layer) {
        Layer[] layers = layers();
        for (int i = 0; i < layers.length - 1; i++) {
            if (layers[i] == layer) {
                return List.of(layers[i + 1]);
            }
        }
        return List.of();
    }

    /** Not below a layer that is frozen for good, whose gradient DL4J does not need either. */
    @Override
    boolean isReachedBackwards(Trainable layer) {
        boolean above = false;
        for (Layer next : layers()) {
            above |= next == layer;
            if (above && next instanceof FrozenLayer) {
                return false;
            }
        }
        return true;
    }

    @Override
    int outputOf(Trainable layer) {
        Layer[] layers = layers();
        int last = layers.length - 1;
        boolean before = last > 0 && layer == layers[last - 1] && layers[last].numParams() == 0;
        return layer == layers[last] || before ? 0 : -1;
    }

    @Override
    INDArray labelMask(int output) {
        return network.getOutputLayer().getMaskArray();
    }

    /** The network knows its masks only layer by layer: featureMasks holds one for each. */
    @Override
    KeptInput current() {
        Layer[] layers = layers();
        INDArray[] masks = new INDArray[layers.length];
        for (int i = 0; i < masks.length; i++) {
            masks[i] = layers[i].getMaskArray();
        }
        return new KeptInput(new INDArray[]{network.getInput()}, new INDArray[]{network.getLabels()}, masks, null);
    }

    @Override
    void use(KeptInput input) {
        network.setInput(input.features[0]);
        useLabels(input.labels);
        Layer[] layers = layers();
        for (int i = 0; i < layers.length; i++) {
            layers[i].setMaskArray(input.featureMasks[i]);
        }
    }

    @Override
    void useLabels(INDArray[] labels) {
        network.setLabels(labels[0]);
    }

    @Override
    void computeGradientAndScore() {
        network.computeGradientAndScore();
    }

    @Override
    Collection<TrainingListener> listeners() {
        return network.getListeners();
    }

    @Override
    void setScore(double score) {
        network.setScore(score);
    }

    @Override
    Layer[] layers() {
        return network.getLayers();
    }

    @Override
    List<Trainable> outputs() {
        return List.of(layers()[layers().length - 1]);
    }

    @Override
    Layer[] outputLayers() {
        return new Layer[]{network.getOutputLayer()};
    }

    @Override
    boolean truncatedBackpropagation() {
        return configuration.getBackpropType() == BackpropType.TruncatedBPTT;
    }
}
