package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.weights.WeightInit;
import org.nd4j.linalg.learning.config.IUpdater;

import java.util.ArrayList;
import java.util.List;

/** DL4J's transfer learning: a trained network gets a new head for other classes. */
final class Transfer {

    private Transfer() {
    }

    /**
     * @param freezeTo the last layer that stays as it is, with all before it; null to train everything
     * @throws InputException if there is no such layer
     */
    static Model retrain(Model trained, int classes, String freezeTo, IUpdater updater, long seed) {
        List<String> names = layerNames(trained);
        if (freezeTo != null && !names.contains(freezeTo)) {
            throw new InputException("the network has no layer \"" + freezeTo + "\"; its layers are "
                    + String.join(", ", names));
        }
        FineTuneConfiguration fineTune = new FineTuneConfiguration.Builder().updater(updater).seed(seed).build();
        String head = head(trained);
        if (trained instanceof MultiLayerNetwork) {
            TransferLearning.Builder builder = new TransferLearning.Builder((MultiLayerNetwork) trained)
                    .fineTuneConfiguration(fineTune);
            if (freezeTo != null) {
                builder.setFeatureExtractor(names.indexOf(freezeTo));
            }
            return builder.nOutReplace(names.indexOf(head), classes, WeightInit.XAVIER).build();
        }
        TransferLearning.GraphBuilder builder = new TransferLearning.GraphBuilder((ComputationGraph) trained)
                .fineTuneConfiguration(fineTune);
        if (freezeTo != null) {
            builder.setFeatureExtractor(freezeTo);
        }
        return builder.nOutReplace(head, classes, WeightInit.XAVIER).build();
    }

    static List<String> layerNames(Model network) {
        List<String> names = new ArrayList<>();
        for (Layer layer : layers(network)) {
            names.add(layer.conf().getLayer().getLayerName());
        }
        return names;
    }

    /** The last layer with parameters: its outputs are the classes, even where pooling and a loss layer follow. */
    private static String head(Model network) {
        String head = null;
        for (Layer layer : layers(network)) {
            if (layer.numParams() > 0) {
                head = layer.conf().getLayer().getLayerName();
            }
        }
        return head;
    }

    private static Layer[] layers(Model network) {
        return network instanceof MultiLayerNetwork ? ((MultiLayerNetwork) network).getLayers()
                : ((ComputationGraph) network).getLayers();
    }
}
