package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** DL4J's transfer learning: a trained network gets a new head for other classes. */
final class Transfer {

    private Transfer() {
    }

    /**
     * The network with a new head, and with its counts of iterations and epochs at 0.
     *
     * @param freezeTo the last layer that stays as it is, with all before it; null to train everything
     * @throws InputException if there is no such layer
     */
    static Model retrain(Model trained, int classes, String freezeTo, IUpdater updater, long seed) {
        List<String> names = layerNames(trained);
        if (freezeTo != null && !names.contains(freezeTo)) {
            throw new InputException("the network has no layer \"" + freezeTo + "\"; its layers are "
                    + String.join(", ", names));
        }
        requireLoss(trained);
        // DL4J draws the new head from ND4J's stream, wherever that is.
        Nd4j.getRandom().setSeed(seed);
        FineTuneConfiguration fineTune = new FineTuneConfiguration.Builder().updater(updater).seed(seed).build();
        String head = head(trained);
        if (trained instanceof MultiLayerNetwork) {
            TransferLearning.Builder builder = new TransferLearning.Builder((MultiLayerNetwork) trained)
                    .fineTuneConfiguration(fineTune);
            if (freezeTo != null) {
                builder.setFeatureExtractor(names.indexOf(freezeTo));
            }
            MultiLayerNetwork network = builder.nOutReplace(names.indexOf(head), classes, WeightInit.XAVIER).build();
            network.setIterationCount(0);
            network.setEpochCount(0);
            return network;
        }
        TransferLearning.GraphBuilder builder = new TransferLearning.GraphBuilder((ComputationGraph) trained)
                .fineTuneConfiguration(fineTune);
        if (freezeTo != null) {
            builder.setFeatureExtractor(freezeTo);
        }
        ComputationGraph network = builder.nOutReplace(head, classes, WeightInit.XAVIER).build();
        network.getConfiguration().setIterationCount(0);
        network.getConfiguration().setEpochCount(0);
        return network;
    }

    private static void requireLoss(Model network) {
        boolean has = network instanceof MultiLayerNetwork
                ? ((MultiLayerNetwork) network).getOutputLayer() instanceof IOutputLayer
                : ((ComputationGraph) network).getOutputLayer(0) instanceof IOutputLayer;
        if (!has) {
            throw new InputException("the network does not end in a layer with a loss function, so that it cannot be"
                    + " trained; add an OutputLayer or a LossLayer with DL4J's TransferLearning and save it again");
        }
    }

    /** All layers, and in a graph all other vertices, too; in the order in which they were added. */
    private static List<String> layerNames(Model network) {
        if (network instanceof MultiLayerNetwork) {
            return Stream.of(Network.layers(network)).map(Transfer::name).collect(Collectors.toList());
        }
        return Stream.of(((ComputationGraph) network).getVertices()).filter(vertex -> !vertex.isInputVertex())
                .map(GraphVertex::getVertexName).collect(Collectors.toList());
    }

    private static String name(Layer layer) {
        return layer.conf().getLayer().getLayerName();
    }

    /** The last layer with parameters: its outputs are the classes, even where pooling and a loss layer follow. */
    private static String head(Model network) {
        String head = null;
        for (Layer layer : Network.layers(network)) {
            if (layer.numParams() > 0) {
                head = name(layer);
            }
        }
        return head;
    }
}
