package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.VertexIndices;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** {@link ForwardPass} of a ComputationGraph. */
final class GraphPass extends ForwardPass {

    private final ComputationGraph network;
    private final ComputationGraphConfiguration configuration;
    private final List<String> outputs;
    /** Of the current batch. The network has no accessor for them, and its layers forget them after the backward pass. */
    private final INDArray[] labels;

    GraphPass(ComputationGraph network, Objective objective) {
        super(network, objective);
        this.network = network;
        this.configuration = network.getConfiguration();
        this.outputs = configuration.getNetworkOutputs();
        this.labels = new INDArray[outputs.size()];
        if (objective != Objective.LOSS && labels.length != 1) {
            throw new IllegalStateException("a line search on accuracies needs a network with one output, but this one has "
                    + outputs + ". Use metric LOSS or SlsUpdater");
        }
    }

    @Override
    void backwardPass() {
        for (int i = 0; i < labels.length; i++) {
            labels[i] = outputLayer(layer(i)).getLabels();
        }
        super.backwardPass();
    }

    @Override
    double[] values(Objective wanted) {
        LayerWorkspaceMgr workspaces = workspaces(configuration.getTrainingWorkspaceMode(), configuration.getCacheMode(),
                network.getInput(0));
        network.setLayerMaskArrays(network.getInputMaskArrays(), network.getLabelMaskArrays());
        Map<RecurrentLayer, Map<String, INDArray>> recurrentState = rewindRecurrentState();
        try (MemoryWorkspace all = workspaces.notifyScopeEntered(ArrayType.ACTIVATIONS)) {
            forward(workspaces);
            return values(wanted, workspaces);
        } finally {
            restoreRecurrentState(recurrentState);
            for (GraphVertex vertex : network.getVertices()) {
                vertex.clear();
            }
            for (Layer layer : layers()) {
                layer.clearNoiseWeightParams();
            }
        }
    }

    @Override
    double regularization() {
        return network.calcRegularizationScore(true);
    }

    private void forward(LayerWorkspaceMgr workspaces) {
        GraphVertex[] vertices = network.getVertices();
        for (int index : network.topologicalSortOrder()) {
            GraphVertex vertex = vertices[index];
            if (outputs.contains(vertex.getVertexName())) {
                continue;
            }
            try (MemoryWorkspace working = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
                INDArray out = vertex.isInputVertex() ? network.getInput(index) : activate(vertex, workspaces);
                VertexIndices[] receivers = vertex.getOutputVertices();
                if (receivers != null) {
                    for (VertexIndices receiver : receivers) {
                        vertices[receiver.getVertexIndex()].setInput(receiver.getVertexEdgeNumber(), out, workspaces);
                    }
                }
            }
        }
    }

    private INDArray activate(GraphVertex vertex, LayerWorkspaceMgr workspaces) {
        RecurrentLayer recurrent = vertex.hasLayer() ? recurrent(vertex.getLayer()) : null;
        return recurrent == null ? vertex.doForward(true, workspaces)
                : recurrent.rnnActivateUsingStoredState(vertex.getInputs()[0], true, false, workspaces);
    }

    /**
     * The training pass meets the outputs in reverse topological order, in its backward half, and draws their random
     * numbers then; regularisation is added to the first in their own order.
     */
    private double[] values(Objective wanted, LayerWorkspaceMgr workspaces) {
        double[] scores = new double[outputs.size()];
        int[] order = network.topologicalSortOrder();
        for (int i = order.length - 1; i >= 0; i--) {
            GraphVertex vertex = network.getVertices()[order[i]];
            int output = outputs.indexOf(vertex.getVertexName());
            if (output < 0) {
                continue;
            }
            if (vertex instanceof LayerVertex && !((LayerVertex) vertex).isSetLayerInput()) {
                ((LayerVertex) vertex).applyPreprocessorAndSetInput(workspaces);
            }
            IOutputLayer layer = outputLayer(vertex.getLayer());
            layer.setMaskArray(labelMask(output));
            layer.setLabels(labels[output]);
            try (MemoryWorkspace working = workspaces.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
                scores[output] = wanted.of(layer, output == 0 ? regularization() : 0.0, workspaces);
            }
        }
        return scores;
    }

    @Override
    INDArray inputOf(Trainable layer) {
        int number = configuration.getNetworkInputs().indexOf(sourceOf(layer));
        return number < 0 ? null : network.getInput(number);
    }

    @Override
    Optional<Layer> layerBefore(Trainable layer) {
        return Optional.ofNullable(sourceOf(layer)).map(source -> network.getVertex(source).getLayer());
    }

    /** The name of the input of the network, or of the vertex with parameters, that a vertex reads; null behind a merge. */
    private String sourceOf(Trainable layer) {
        String name = ((GraphVertex) layer).getVertexName();
        do {
            List<String> inputs = configuration.getVertexInputs().get(name);
            name = inputs.size() == 1 ? inputs.get(0) : null;
        } while (name != null && !configuration.getNetworkInputs().contains(name) && network.getVertex(name).numParams() == 0);
        return name;
    }

    @Override
    List<Trainable> readersOf(Trainable layer) {
        String name = ((GraphVertex) layer).getVertexName();
        return configuration.getVertexInputs().entrySet().stream().filter(vertex -> vertex.getValue().contains(name))
                .map(vertex -> network.getVertex(vertex.getKey())).collect(Collectors.toList());
    }

    /** DL4J refuses to train graphs in which it does not. */
    @Override
    boolean isReachedBackwards(Trainable layer) {
        return true;
    }

    @Override
    int outputOf(Trainable layer) {
        String name = ((GraphVertex) layer).getVertexName();
        for (int i = 0; i < labels.length; i++) {
            boolean before = layer(i).numParams() == 0
                    && configuration.getVertexInputs().get(outputs.get(i)).equals(List.of(name));
            if (name.equals(outputs.get(i)) || before) {
                return i;
            }
        }
        return -1;
    }

    @Override
    INDArray labelMask(int output) {
        INDArray[] masks = network.getLabelMaskArrays();
        return masks == null ? null : masks[output];
    }

    @Override
    KeptInput current() {
        return new KeptInput(network.getInputs().clone(), labels.clone(), network.getInputMaskArrays(),
                network.getLabelMaskArrays());
    }

    @Override
    void use(KeptInput input) {
        network.setInputs(input.features);
        useLabels(input.labels);
        network.setLayerMaskArrays(input.featureMasks, input.labelMasks);
    }

    @Override
    void useLabels(INDArray[] others) {
        System.arraycopy(others, 0, labels, 0, labels.length);
        network.setLabels(others);
    }

    private Layer layer(int output) {
        return network.getVertex(outputs.get(output)).getLayer();
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
        return outputs.stream().map(network::getVertex).collect(Collectors.toList());
    }

    @Override
    Layer[] outputLayers() {
        Layer[] layers = new Layer[outputs.size()];
        for (int i = 0; i < layers.length; i++) {
            layers[i] = inner(layer(i));
        }
        return layers;
    }

    @Override
    boolean truncatedBackpropagation() {
        return configuration.getBackpropType() == BackpropType.TruncatedBPTT;
    }
}
