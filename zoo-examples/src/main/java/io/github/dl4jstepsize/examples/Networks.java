package io.github.dl4jstepsize.examples;

import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration.ListBuilder;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.weights.WeightInit;
import org.deeplearning4j.zoo.model.LeNet;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.util.List;

/** The networks of the examples, in the sizes that the data ask for. */
final class Networks {

    private Networks() {
    }

    /** The zoo's LeNet for square grey images. */
    static Model leNet(TrainTest data, IUpdater updater, long seed) {
        int side = (int) Math.round(Math.sqrt(data.inputs()));
        return LeNet.builder().inputShape(new int[]{1, side, side}).numClasses(data.outputs()).updater(updater).seed(seed)
                .build().init();
    }

    /** Two hidden layers of 512 and 256 rectified units. */
    static Model perceptron(TrainTest data, IUpdater updater, long seed) {
        return perceptron(WeightInit.RELU, false, 512, 256).build(data, updater, seed);
    }

    /**
     * Hidden layers of rectified units.
     *
     * @param weightInit of the hidden layers
     * @param norm       whether a BatchNormalization follows each of them
     * @param hidden     their sizes
     */
    static Workload.NetworkBuilder perceptron(WeightInit weightInit, boolean norm, int... hidden) {
        return (data, updater, seed) -> {
            ListBuilder layers = general(updater, seed).weightInit(weightInit).list();
            for (int units : hidden) {
                layers.layer(new DenseLayer.Builder().nOut(units).build());
                if (norm) {
                    layers.layer(new BatchNormalization());
                }
            }
            return network(layers.layer(softmax(data)).setInputType(InputType.feedForward(data.inputs())).build());
        };
    }

    /**
     * Two convolutions with BatchNorm, down to 4x4 pixels, and a dense layer with dropout: a batch of 128 takes under 60 ms
     * on one core.
     */
    static Model convolutional(TrainTest data, IUpdater updater, long seed) {
        return convolutional(true, data, updater, seed);
    }

    /** The same without BatchNorm. */
    static Model convolutionalWithoutNorm(TrainTest data, IUpdater updater, long seed) {
        return convolutional(false, data, updater, seed);
    }

    private static Model convolutional(boolean norm, TrainTest data, IUpdater updater, long seed) {
        ListBuilder layers = general(updater, seed).convolutionMode(ConvolutionMode.Same).list();
        for (ConvolutionLayer convolution : List.of(convolution(5, 8, 4), convolution(3, 16, 2))) {
            layers.layer(convolution);
            if (norm) {
                layers.layer(new BatchNormalization());
            }
            layers.layer(new ActivationLayer(Activation.RELU));
        }
        return network(layers
                .layer(new DenseLayer.Builder().nOut(64).dropOut(0.5).build())
                .layer(softmax(data))
                .setInputType(InputType.convolutionalFlat(FashionMnist.SIDE, FashionMnist.SIDE, 1))
                .build());
    }

    /** A convolution down to 7x7 pixels, two residual blocks of two convolutions each, global mean. */
    static Model residual(TrainTest data, IUpdater updater, long seed) {
        GraphBuilder graph = general(updater, seed).convolutionMode(ConvolutionMode.Same).graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutionalFlat(FashionMnist.SIDE, FashionMnist.SIDE, 1))
                .addLayer("stem", convolution(5, 8, 4), "image")
                .addLayer("stem-norm", new BatchNormalization(), "stem")
                .addLayer("stem-relu", new ActivationLayer(Activation.RELU), "stem-norm");
        String last = "stem-relu";
        for (String block : new String[]{"block1", "block2"}) {
            graph.addLayer(block + "-a", convolution(3, 8, 1), last)
                    .addLayer(block + "-a-norm", new BatchNormalization(), block + "-a")
                    .addLayer(block + "-a-relu", new ActivationLayer(Activation.RELU), block + "-a-norm")
                    .addLayer(block + "-b", convolution(3, 8, 1), block + "-a-relu")
                    .addLayer(block + "-b-norm", new BatchNormalization(), block + "-b")
                    .addVertex(block + "-sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), block + "-b-norm", last)
                    .addLayer(block, new ActivationLayer(Activation.RELU), block + "-sum");
            last = block;
        }
        ComputationGraph network = new ComputationGraph(graph
                .addLayer("mean", new GlobalPoolingLayer(PoolingType.AVG), last)
                .addLayer("output", softmax(data), "mean")
                .setOutputs("output")
                .build());
        network.init();
        return network;
    }

    /** An LSTM of 64 cells whose last state is classified. */
    static Model sequenceClassifier(TrainTest data, IUpdater updater, long seed) {
        return network(general(updater, seed).weightInit(WeightInit.XAVIER).list()
                .layer(new LastTimeStep(new LSTM.Builder().nOut(64).activation(Activation.TANH).build()))
                .layer(softmax(data))
                .setInputType(InputType.recurrent(data.inputs()))
                .build());
    }

    /** An LSTM of 96 cells that predicts the next character at every position. */
    static Model characterModel(TrainTest data, IUpdater updater, long seed) {
        return network(general(updater, seed).weightInit(WeightInit.XAVIER).list()
                .layer(new LSTM.Builder().nOut(96).activation(Activation.TANH).build())
                .layer(new RnnOutputLayer.Builder(LossFunction.MCXENT).nOut(data.outputs()).activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.recurrent(data.inputs()))
                .build());
    }

    /** Two hidden layers of 64 units, a linear output, L2. */
    static Model regression(TrainTest data, IUpdater updater, long seed) {
        return regression(Activation.TANH).build(data, updater, seed);
    }

    /** The same with another activation. */
    static Workload.NetworkBuilder regression(Activation activation) {
        return (data, updater, seed) -> network(general(updater, seed).weightInit(WeightInit.XAVIER).activation(activation)
                .l2(1e-3).list()
                .layer(new DenseLayer.Builder().nOut(64).build())
                .layer(new DenseLayer.Builder().nOut(64).build())
                .layer(new OutputLayer.Builder(LossFunction.MSE).nOut(data.outputs()).activation(Activation.IDENTITY)
                        .build())
                .setInputType(InputType.feedForward(data.inputs()))
                .build());
    }

    private static NeuralNetConfiguration.Builder general(IUpdater updater, long seed) {
        return new NeuralNetConfiguration.Builder().seed(seed).updater(updater).weightInit(WeightInit.RELU)
                .activation(Activation.RELU);
    }

    private static ConvolutionLayer convolution(int side, int channels, int stride) {
        return new ConvolutionLayer.Builder(side, side).stride(stride, stride).nOut(channels)
                .activation(Activation.IDENTITY).hasBias(false).build();
    }

    private static OutputLayer softmax(TrainTest data) {
        return new OutputLayer.Builder(LossFunction.MCXENT).nOut(data.outputs()).activation(Activation.SOFTMAX)
                .weightInit(WeightInit.XAVIER).build();
    }

    static MultiLayerNetwork network(MultiLayerConfiguration configuration) {
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        return network;
    }
}
