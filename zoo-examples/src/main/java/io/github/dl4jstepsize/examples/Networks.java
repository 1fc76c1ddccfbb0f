package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.zoo.model.LeNet;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** The networks of the examples, with initial weights that depend on the seed only. */
final class Networks {

    private Networks() {
    }

    /** The zoo's LeNet for grey images of side x side pixels. */
    static Model leNet(int side, int classes, IUpdater updater, long seed) {
        return LeNet.builder().inputShape(new int[]{1, side, side}).numClasses(classes).updater(updater).seed(seed).build()
                .init();
    }

    /** Two hidden layers of 512 and 256 rectified units. */
    static Model perceptron(int inputs, int classes, IUpdater updater, long seed) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(seed).updater(updater).weightInit(WeightInit.RELU).activation(Activation.RELU)
                .list()
                .layer(new DenseLayer.Builder().nOut(512).build())
                .layer(new DenseLayer.Builder().nOut(256).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nOut(classes).activation(Activation.SOFTMAX)
                        .weightInit(WeightInit.XAVIER).build())
                .setInputType(InputType.feedForward(inputs))
                .build());
        network.init();
        return network;
    }
}
