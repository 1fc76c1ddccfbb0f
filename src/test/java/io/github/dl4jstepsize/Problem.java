package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.CenterLossOutputLayer;
import org.deeplearning4j.nn.conf.layers.CnnLossLayer;
import org.deeplearning4j.nn.conf.layers.EmbeddingSequenceLayer;
import org.deeplearning4j.nn.conf.layers.GlobalPoolingLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SelfAttentionLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;

/** Small networks with everything that makes an extra forward pass delicate, and batches to train them on. */
enum Problem {

    MLP_DROPOUT_L2 {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.l2(1e-2).l1(1e-3).list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(16).activation(Activation.RELU).dropOut(0.7).build())
                    .layer(new DenseLayer.Builder().nOut(10).activation(Activation.TANH).build())
                    .layer(classes(4).dropOut(0.8).build())
                    .setInputType(InputType.feedForward(12)));
        }
    },
    MLP_CLIPPED {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.gradientNormalization(GradientNormalization.ClipL2PerLayer)
                    .gradientNormalizationThreshold(0.05).list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(16).activation(Activation.RELU).build())
                    .layer(classes(4).build())
                    .setInputType(InputType.feedForward(12)));
        }
    },
    CNN_BATCH_NORM_DROPOUT {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new ConvolutionLayer.Builder(3, 3).nOut(4).activation(Activation.IDENTITY).build())
                    .layer(new BatchNormalization())
                    .layer(new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build())
                    .layer(new DenseLayer.Builder().nOut(8).activation(Activation.RELU).dropOut(0.5).build())
                    .layer(classes(4).build())
                    .setInputType(InputType.convolutional(8, 8, 2)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return batch(random(number, type, size, 2, 8, 8), oneHot(number, type, size, 4));
        }
    },
    DROP_CONNECT {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.weightNoise(new DropConnect(0.6)).list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(16).activation(Activation.RELU).build())
                    .layer(classes(4).build())
                    .setInputType(InputType.feedForward(12)));
        }
    },
    GAUSSIAN_NOISE {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(16).activation(Activation.RELU)
                            .dropOut(new GaussianNoise(0.3)).build())
                    .layer(classes(4).build())
                    .setInputType(InputType.feedForward(12)));
        }
    },
    MASKED_LSTM {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new LSTM.Builder().nIn(5).nOut(6).dropOut(0.8).build())
                    .layer(new LSTM.Builder().nOut(6).build())
                    .layer(recurrentClasses(3).build())
                    .setInputType(InputType.recurrent(5, 7)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            MultiDataSet batch = sequences(number, size, 5, 3, 7, type);
            INDArray mask = lengths(size, 7, type);
            return new MultiDataSet(batch.getFeatures(), batch.getLabels(), new INDArray[]{mask}, new INDArray[]{mask});
        }
    },
    GRAVES_LSTM {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new GravesLSTM.Builder().nIn(5).nOut(6).activation(Activation.TANH).build())
                    .layer(recurrentClasses(3).build())
                    .setInputType(InputType.recurrent(5, 7)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return sequences(number, size, 5, 3, 7, type);
        }
    },
    BIDIRECTIONAL_SIMPLE_RNN {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new Bidirectional(new SimpleRnn.Builder().nIn(5).nOut(6).dropOut(0.8).build()))
                    .layer(new SelfAttentionLayer.Builder().nOut(8).nHeads(2).projectInput(true).build())
                    .layer(recurrentClasses(3).build())
                    .setInputType(InputType.recurrent(5, 7)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return sequences(number, size, 5, 3, 7, type);
        }
    },
    MASKED_LAST_TIME_STEP {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new LastTimeStep(new LSTM.Builder().nIn(5).nOut(6).build()))
                    .layer(classes(4).build())
                    .setInputType(InputType.recurrent(5, 7)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return new MultiDataSet(new INDArray[]{random(number, type, size, 5, 7)},
                    new INDArray[]{oneHot(number, type, size, 4)}, new INDArray[]{lengths(size, 7, type)}, null);
        }
    },
    EMBEDDED_WORDS {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new EmbeddingSequenceLayer.Builder().nIn(20).nOut(6).inputLength(7).build())
                    .layer(new GlobalPoolingLayer(PoolingType.AVG))
                    .layer(classes(4).nIn(6).build()));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            INDArray words = random(number, type, size, 7).addi(1).muli(9);
            return batch(org.nd4j.linalg.ops.transforms.Transforms.floor(words), oneHot(number, type, size, 4));
        }
    },
    CENTER_LOSS {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(6).activation(Activation.TANH).build())
                    .layer(new CenterLossOutputLayer.Builder(LossFunction.MCXENT).nOut(4).activation(Activation.SOFTMAX)
                            .alpha(0.1).lambda(0.1).build())
                    .setInputType(InputType.feedForward(12)));
        }
    },
    PIXEL_CLASSES {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.convolutionMode(ConvolutionMode.Same).list()
                    .layer(new ConvolutionLayer.Builder(3, 3).nOut(4).activation(Activation.RELU).build())
                    .layer(new ConvolutionLayer.Builder(1, 1).nOut(3).activation(Activation.IDENTITY).build())
                    .layer(new CnnLossLayer.Builder(LossFunction.MCXENT).activation(Activation.SOFTMAX).build())
                    .setInputType(InputType.convolutional(6, 6, 2)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            INDArray labels = Nd4j.zeros(type, size, 3, 6, 6);
            Random random = new Random(number);
            for (int i = 0; i < size; i++) {
                for (int row = 0; row < 36; row++) {
                    labels.putScalar(new int[]{i, random.nextInt(3), row / 6, row % 6}, 1);
                }
            }
            return batch(random(number, type, size, 2, 6, 6), labels);
        }
    },
    FROZEN_BELOW {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new FrozenLayer(new DenseLayer.Builder().nIn(12).nOut(8).activation(Activation.TANH).build()))
                    .layer(new FrozenLayerWithBackprop(
                            new DenseLayer.Builder().nIn(8).nOut(8).activation(Activation.TANH).build()))
                    .layer(new DenseLayer.Builder().nIn(8).nOut(8).activation(Activation.TANH).dropOut(0.8).build())
                    .layer(classes(4).build())
                    .setInputType(InputType.feedForward(12)));
        }
    },
    WITHOUT_WORKSPACES {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return MLP_DROPOUT_L2.build(configuration.trainingWorkspaceMode(WorkspaceMode.NONE)
                    .inferenceWorkspaceMode(WorkspaceMode.NONE));
        }
    },
    CACHED_CNN {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return CNN_BATCH_NORM_DROPOUT.build(configuration.cacheMode(CacheMode.DEVICE));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return CNN_BATCH_NORM_DROPOUT.batch(number, size, type);
        }
    },
    CACHED_LSTM {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return MASKED_LSTM.build(configuration.cacheMode(CacheMode.DEVICE));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return MASKED_LSTM.batch(number, size, type);
        }
    },
    TRUNCATED_LSTM {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new LSTM.Builder().nIn(5).nOut(6).build())
                    .layer(recurrentClasses(3).build())
                    .backpropType(BackpropType.TruncatedBPTT).tBPTTLength(4)
                    .setInputType(InputType.recurrent(5, 10)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return sequences(number, size, 5, 3, 10, type);
        }
    },
    TRUNCATED_WRAPPED_LSTM {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return layers(configuration.list()
                    .layer(new FrozenLayer(new LSTM.Builder().nIn(5).nOut(6).build()))
                    .layer(new MaskZeroLayer(new LSTM.Builder().nIn(6).nOut(6).build(), 0))
                    .layer(new FrozenLayerWithBackprop(new LSTM.Builder().nIn(6).nOut(6).build()))
                    .layer(recurrentClasses(3).build())
                    .backpropType(BackpropType.TruncatedBPTT).tBPTTLength(4)
                    .setInputType(InputType.recurrent(5, 10)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return sequences(number, size, 5, 3, 10, type);
        }
    },
    TRUNCATED_LSTM_GRAPH {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return graph(configuration.graphBuilder()
                    .addInputs("in")
                    .addLayer("lstm", new LSTM.Builder().nIn(5).nOut(6).build(), "in")
                    .addLayer("out", recurrentClasses(3).nIn(6).build(), "lstm")
                    .setOutputs("out")
                    .setInputTypes(InputType.recurrent(5, 10))
                    .backpropType(BackpropType.TruncatedBPTT).tBPTTForwardLength(4).tBPTTBackwardLength(4));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return sequences(number, size, 5, 3, 10, type);
        }
    },
    RESIDUAL_GRAPH {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return graph(configuration.l2(1e-3).convolutionMode(ConvolutionMode.Same).graphBuilder()
                    .addInputs("in")
                    .addLayer("conv1", new ConvolutionLayer.Builder(3, 3).nOut(4).build(), "in")
                    .addLayer("norm1", new BatchNormalization.Builder().activation(Activation.RELU).build(), "conv1")
                    .addLayer("conv2", new ConvolutionLayer.Builder(3, 3).nOut(4).build(), "norm1")
                    .addLayer("norm2", new BatchNormalization(), "conv2")
                    .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "norm1", "norm2")
                    .addLayer("dense", new DenseLayer.Builder().nOut(6).activation(Activation.RELU).dropOut(0.6).build(),
                            "sum")
                    .addLayer("out", classes(4).build(), "dense")
                    .setOutputs("out")
                    .setInputTypes(InputType.convolutional(6, 6, 2)));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return batch(random(number, type, size, 2, 6, 6), oneHot(number, type, size, 4));
        }
    },
    TWO_INPUTS_TWO_OUTPUTS {
        @Override
        Model build(NeuralNetConfiguration.Builder configuration) {
            return graph(configuration.l2(1e-3).graphBuilder()
                    .addInputs("left", "right")
                    .addLayer("dense left", new DenseLayer.Builder().nIn(5).nOut(6).dropOut(0.7).build(), "left")
                    .addLayer("dense right", new DenseLayer.Builder().nIn(3).nOut(6).build(), "right")
                    .addVertex("merge", new MergeVertex(), "dense left", "dense right")
                    .addLayer("shared", new DenseLayer.Builder().nIn(12).nOut(8).activation(Activation.TANH).build(),
                            "merge")
                    .addLayer("class", classes(4).nIn(8).dropOut(0.8).build(), "shared")
                    .addLayer("value", new OutputLayer.Builder(LossFunction.MSE).nIn(8).nOut(2)
                            .activation(Activation.IDENTITY).dropOut(0.9).build(), "shared")
                    .setOutputs("value", "class"));
        }

        @Override
        MultiDataSet batch(int number, int size, DataType type) {
            return new MultiDataSet(
                    new INDArray[]{random(number, type, size, 5), random(100 + number, type, size, 3)},
                    new INDArray[]{random(200 + number, type, size, 2), oneHot(number, type, size, 4)});
        }
    };

    abstract Model build(NeuralNetConfiguration.Builder configuration);

    /** A batch of made-up data, always the same for a number. */
    MultiDataSet batch(int number, int size, DataType type) {
        return batch(random(number, type, size, 12), oneHot(number, type, size, 4));
    }

    /** The network, always with the same initial weights. */
    Model network(IUpdater updater, DataType type) {
        return build(new NeuralNetConfiguration.Builder().seed(42).dataType(type).updater(updater));
    }

    /** Trains on batches 0 to count - 1, the last of which is smaller. */
    void fit(Model model, int count) {
        for (int i = 0; i < count; i++) {
            fit(model, batch(i, i == count - 1 ? 5 : 8, model.params().dataType()));
        }
    }

    static void fit(Model model, MultiDataSet batch) {
        if (model instanceof MultiLayerNetwork) {
            INDArray featureMask = batch.getFeaturesMaskArrays() == null ? null : batch.getFeaturesMaskArray(0);
            INDArray labelMask = batch.getLabelsMaskArrays() == null ? null : batch.getLabelsMaskArray(0);
            ((MultiLayerNetwork) model).fit(batch.getFeatures(0), batch.getLabels(0), featureMask, labelMask);
        } else {
            ((ComputationGraph) model).fit(batch);
        }
    }

    /** Where batches are passed one by one. */
    static void endEpoch(Model model) {
        if (model instanceof MultiLayerNetwork) {
            ((MultiLayerNetwork) model).incrementEpochCount();
        } else {
            ((ComputationGraph) model).incrementEpochCount();
        }
    }

    /** The training begins anew. */
    static void forgetUpdater(Model model) {
        if (model instanceof MultiLayerNetwork) {
            ((MultiLayerNetwork) model).setUpdater(null);
        } else {
            ((ComputationGraph) model).setUpdater(null);
        }
    }

    static Layer[] layersOf(Model model) {
        return model instanceof MultiLayerNetwork ? ((MultiLayerNetwork) model).getLayers()
                : ((ComputationGraph) model).getLayers();
    }

    static OutputLayer.Builder classes(int count) {
        return new OutputLayer.Builder(LossFunction.MCXENT).nOut(count).activation(Activation.SOFTMAX);
    }

    static RnnOutputLayer.Builder recurrentClasses(int count) {
        return new RnnOutputLayer.Builder(LossFunction.MCXENT).nOut(count).activation(Activation.SOFTMAX);
    }

    static Model layers(MultiLayerConfiguration.Builder builder) {
        MultiLayerNetwork network = new MultiLayerNetwork(builder.build());
        network.init();
        return network;
    }

    static Model graph(GraphBuilder builder) {
        ComputationGraph graph = new ComputationGraph(builder.build());
        graph.init();
        return graph;
    }

    static MultiDataSet batch(INDArray features, INDArray labels) {
        return new MultiDataSet(features, labels);
    }

    static MultiDataSet sequences(int number, int size, int inputs, int classes, int length, DataType type) {
        INDArray labels = Nd4j.zeros(type, size, classes, length);
        Random random = new Random(number);
        for (int i = 0; i < size; i++) {
            for (int t = 0; t < length; t++) {
                labels.putScalar(i, random.nextInt(classes), t, 1);
            }
        }
        return batch(random(number, type, size, inputs, length), labels);
    }

    /** A mask for sequences of different lengths, from 3 on. */
    static INDArray lengths(int size, int length, DataType type) {
        INDArray mask = Nd4j.ones(type, size, length);
        for (int i = 0; i < size; i++) {
            for (int t = 3 + i % 4; t < length; t++) {
                mask.putScalar(i, t, 0);
            }
        }
        return mask;
    }

    /** Java's random numbers: making data must not move ND4J's stream. */
    static INDArray random(int seed, DataType type, long... shape) {
        int length = 1;
        for (long size : shape) {
            length *= (int) size;
        }
        return Nd4j.createFromArray(new Random(seed).doubles(length, -1, 1).toArray()).castTo(type).reshape(shape);
    }

    static INDArray oneHot(int seed, DataType type, int size, int classes) {
        INDArray labels = Nd4j.zeros(type, size, classes);
        Random random = new Random(seed);
        for (int i = 0; i < size; i++) {
            labels.putScalar(i, random.nextInt(classes), 1);
        }
        return labels;
    }

    /** A model as it is after saving and loading. */
    static Model restored(Model model) throws IOException {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        ModelSerializer.writeModel(model, file, true);
        ByteArrayInputStream in = new ByteArrayInputStream(file.toByteArray());
        return model instanceof MultiLayerNetwork ? ModelSerializer.restoreMultiLayerNetwork(in, true)
                : ModelSerializer.restoreComputationGraph(in, true);
    }
}
