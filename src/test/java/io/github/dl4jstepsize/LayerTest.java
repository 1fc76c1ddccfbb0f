package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.layers.variational.GaussianReconstructionDistribution;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.conf.ocnn.OCNNOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Layers for which a step size updater needs care. */
class LayerTest {

    @Test
    void frozenParametersDoNotMoveByOneBit() {
        for (StepSizeUpdater updater : List.of(new PalUpdater(), new LabPalUpdater(), new AutoUpdater())) {
            MultiLayerNetwork network = withFrozenLayer(updater);
            ComputationGraph graph = network.toComputationGraph();
            graph.addListeners(new StepSizeListener());
            INDArray frozen = network.getLayer(0).params().dup();
            for (int epoch = 0; epoch < 3; epoch++) {
                Problem.MLP_CLIPPED.fit(network, 8);
                network.incrementEpochCount();
                Problem.MLP_CLIPPED.fit(graph, 8);
                graph.incrementEpochCount();
            }
            assertEquals(0, ForwardPassTest.maxDifference(frozen, network.getLayer(0).params()), updater.toString());
            assertEquals(0, ForwardPassTest.maxDifference(frozen, graph.getLayer(0).params()), updater.toString());
            assertTrue(StepSizes.lastRecord(network).learningRate() > 0);
        }
    }

    /** Below a frozen layer DL4J computes no gradient, and leaves in the gradient's array what a step has left there. */
    @Test
    void parametersThatTheBackwardPassDoesNotReachDoNotMoveByOneBit() {
        for (StepSizeUpdater updater : List.of(new PalUpdater(), new LabPalUpdater(), new AutoUpdater(),
                new PlsUpdater(), FanUpdater.builder().averaging(true).build())) {
            MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater)
                    .l2(0.01).list().layer(new DenseLayer.Builder().nOut(8).build())
                    .layer(new FrozenLayer(new DenseLayer.Builder().nOut(8).build()))
                    .layer(new DenseLayer.Builder().nOut(8).build()).layer(Problem.classes(4).build())
                    .setInputType(InputType.feedForward(12)).build());
            network.init();
            network.addListeners(new StepSizeListener());
            List<DataSet> epoch = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                epoch.add(new DataSet(Problem.random(i, DataType.FLOAT, 8, 12), Problem.oneHot(i, DataType.FLOAT, 8, 4)));
            }
            INDArray before = network.params().dup();
            INDArray above = network.getLayer(2).params().dup();
            network.fit(new ExistingDataSetIterator(epoch), 3);
            List<INDArray> all = updater instanceof AutoUpdater || updater instanceof FanUpdater
                    ? List.of(network.params(), StepSizes.averaged(network).params()) : List.of(network.params());
            for (INDArray after : all) {
                assertEquals(0, ForwardPassTest.maxDifference(below(before), below(after)), updater.toString());
            }
            assertTrue(ForwardPassTest.maxDifference(above, network.getLayer(2).params()) > 1e-4, updater.toString());
        }
    }

    /** So that what is trained in graphs is reached: of this DL4J makes sure. */
    @Test
    void graphsWithParametersBelowAFrozenLayerAreRefusedByDl4j() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder().updater(new Sgd(0.1)).graphBuilder()
                .addInputs("in").setInputTypes(InputType.feedForward(12))
                .addLayer("below", new DenseLayer.Builder().nOut(8).build(), "in")
                .addLayer("frozen", new FrozenLayer(new DenseLayer.Builder().nOut(8).build()), "below")
                .addLayer("output", Problem.classes(4).build(), "frozen").setOutputs("output").build());
        graph.init();
        assertThrows(IllegalStateException.class, () -> graph.fit(new DataSet(Problem.random(1, DataType.FLOAT, 8, 12),
                Problem.oneHot(1, DataType.FLOAT, 8, 4))));
    }

    /** What is below the layer that trains. */
    private static INDArray below(INDArray parameters) {
        return parameters.reshape(parameters.length()).get(NDArrayIndex.interval(0, 12 * 8 + 8 + 8 * 8 + 8));
    }

    @Test
    void frozenParametersHaveNoGradientInPartsOfABatch() {
        double[] difference = {Double.NaN};
        MultiLayerNetwork network = withFrozenLayer(new ProbeUpdater(batch -> {
            batch.memory(0).assign(batch.gradient());
            batch.gradients(0, batch.memory(0), 1, (size, loss, gradient) ->
                    difference[0] = batch.memory(0).distance(gradient) / gradient.norm());
            return Step.chosen(0.05, 0.05, Outcome.REUSED);
        }));
        Problem.MLP_CLIPPED.fit(network, 1);
        assertEquals(0, difference[0], 1e-5);
    }

    private static MultiLayerNetwork withFrozenLayer(StepSizeUpdater updater) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater)
                .weightDecay(0.1).l2(0.01).list()
                .layer(new FrozenLayerWithBackprop(
                        new DenseLayer.Builder().nIn(12).nOut(8).activation(Activation.TANH).build()))
                .layer(new DenseLayer.Builder().nIn(8).nOut(8).activation(Activation.TANH).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nOut(4).activation(Activation.SOFTMAX).build())
                .setInputType(InputType.feedForward(12)).build());
        network.init();
        network.addListeners(new StepSizeListener());
        return network;
    }

    /** Convolutions, whose weights FAN's decay knows by their shape; in the average, too. */
    @Test
    void frozenParametersAreTheSameInTheAverage() {
        for (StepSizeUpdater updater : List.of(new AutoUpdater(), FanUpdater.builder().averaging(true).build())) {
            MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(updater).list()
                    .layer(new FrozenLayerWithBackprop(new ConvolutionLayer.Builder(3, 3).nOut(3).build()))
                    .layer(Problem.classes(4).build())
                    .setInputType(InputType.convolutional(6, 6, 2)).build());
            network.init();
            network.addListeners(new StepSizeListener());
            List<DataSet> epoch = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                epoch.add(new DataSet(Problem.random(i, DataType.FLOAT, 8, 2, 6, 6), Problem.oneHot(i, DataType.FLOAT, 8, 4)));
            }
            INDArray frozen = network.getLayer(0).params().dup();
            network.fit(new ExistingDataSetIterator(epoch), 4);
            network.fit(epoch.get(0));
            assertEquals(0, ForwardPassTest.maxDifference(frozen, network.getLayer(0).params()), updater.toString());
            assertEquals(0, ForwardPassTest.maxDifference(frozen, StepSizes.averaged(network).getLayer(0).params()),
                    updater.toString());
            assertTrue(ForwardPassTest.maxDifference(network.getLayer(1).params(),
                    StepSizes.averaged(network).getLayer(1).params()) > 0);
        }
    }

    @Test
    void weightDecayIsPartOfTheDirection() {
        double rate = 0.05;
        INDArray[] parameters = new INDArray[2];
        IUpdater[] updaters = {new Sgd(rate), new ProbeUpdater(
                batch -> Step.chosen(rate, rate, Outcome.REUSED))};
        for (int i = 0; i < 2; i++) {
            MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                    .updater(updaters[i]).dataType(DataType.DOUBLE).weightDecay(0.3).list()
                    .layer(new DenseLayer.Builder().nIn(12).nOut(8).activation(Activation.TANH).build())
                    .layer(new OutputLayer.Builder(LossFunction.MCXENT).nOut(4).activation(Activation.SOFTMAX).build())
                    .setInputType(InputType.feedForward(12)).build());
            network.init();
            network.addListeners(new StepSizeListener());
            Problem.MLP_CLIPPED.fit(network, 5);
            parameters[i] = network.params();
        }
        assertEquals(0, ForwardPassTest.maxDifference(parameters[0], parameters[1]), 1e-14);
    }

    @Test
    void aVariationalAutoencoderTrainsUnderSupervisionAndRefusesPretraining() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new PalUpdater()).list()
                .layer(new VariationalAutoencoder.Builder().nIn(12).nOut(6).encoderLayerSizes(8).decoderLayerSizes(8)
                        .activation(Activation.TANH)
                        .reconstructionDistribution(new GaussianReconstructionDistribution(Activation.IDENTITY)).build())
                .layer(new OutputLayer.Builder(LossFunction.MCXENT).nIn(6).nOut(4).activation(Activation.SOFTMAX).build())
                .build());
        network.init();
        network.addListeners(new StepSizeListener());
        Problem.MLP_CLIPPED.fit(network, 5);
        assertTrue(StepSizes.lastRecord(network).learningRate() > 0);

        INDArray before = network.params().dup();
        MultiDataSet batch = Problem.MLP_CLIPPED.batch(0, 8, DataType.FLOAT);
        String message = assertThrows(IllegalStateException.class, () -> network.pretrain(
                new ExistingDataSetIterator(List.of(new DataSet(batch.getFeatures(0), batch.getLabels(0)))))).getMessage();
        assertTrue(message.contains("retraining"), message);
        assertEquals(before, network.params());
    }

    @Test
    void aOneClassNetworkTrains() {
        aOneClassNetworkTrains(new PalUpdater(), Activation.SIGMOID);
        aOneClassNetworkTrains(new AutoUpdater(), Activation.IDENTITY);
    }

    private static void aOneClassNetworkTrains(StepSizeUpdater updater, Activation activation) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1)
                .updater(updater).list()
                .layer(new DenseLayer.Builder().nIn(12).nOut(6).activation(Activation.RELU).build())
                .layer(new OCNNOutputLayer.Builder().nIn(6).hiddenLayerSize(4).activation(activation)
                        .initialRValue(0.1).nu(0.1).build())
                .build());
        network.init();
        network.addListeners(new StepSizeListener());
        for (int i = 0; i < 5; i++) {
            INDArray features = Problem.MLP_CLIPPED.batch(i, 8, DataType.FLOAT).getFeatures(0);
            network.fit(features, Nd4j.ones(8, 1));
            assertTrue(Double.isFinite(StepSizes.lastRecord(network).learningRate()));
        }
    }

    /** DL4J's graphs never clear the state of a wrapped layer: batches of one size, and the line follows. */
    @Test
    void wrappedRecurrentLayersOfAGraphTakePartInTruncatedBackpropagation() {
        List<Double> differences = new ArrayList<>();
        ComputationGraph graph = (ComputationGraph) Problem.graph(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new ProbeUpdater(batch -> {
                    differences.add(batch.loss(1, batch.memory(0)) - batch.loss());
                    return Step.searched(0.1, 0.1, Outcome.REUSED);
                })).graphBuilder().addInputs("in")
                .addLayer("frozen", new FrozenLayer(new LSTM.Builder().nIn(5).nOut(6).build()), "in")
                .addLayer("masked", new MaskZeroLayer(new LSTM.Builder().nIn(6).nOut(6).build(), 0), "frozen")
                .addLayer("out", Problem.recurrentClasses(3).nIn(6).build(), "masked")
                .setOutputs("out").setInputTypes(InputType.recurrent(5, 10))
                .backpropType(BackpropType.TruncatedBPTT).tBPTTForwardLength(4).tBPTTBackwardLength(4));
        graph.addListeners(new StepSizeListener());
        for (int i = 0; i < 3; i++) {
            Problem.fit(graph, Problem.TRUNCATED_LSTM.batch(i, 8, DataType.FLOAT));
        }
        assertEquals(Collections.nCopies(9, 0.0), differences);
    }

    /** By DL4J, which has no truncated backpropagation for them. */
    @Test
    void bidirectionalLayersAreRefusedInTruncatedBackpropagation() {
        MultiLayerNetwork network = (MultiLayerNetwork) Problem.layers(new NeuralNetConfiguration.Builder().seed(1)
                .updater(new PalUpdater()).list()
                .layer(new Bidirectional(Bidirectional.Mode.ADD, new LSTM.Builder().nIn(5).nOut(6).build()))
                .layer(Problem.recurrentClasses(3).nIn(6).build())
                .backpropType(BackpropType.TruncatedBPTT).tBPTTLength(4).setInputType(InputType.recurrent(5, 10)));
        network.addListeners(new StepSizeListener());
        assertThrows(UnsupportedOperationException.class, () -> Problem.TRUNCATED_LSTM.fit(network, 1));
    }

    @Test
    void aNetworkWithoutALossIsRefused() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(new PalUpdater()).list()
                .layer(new DenseLayer.Builder().nIn(12).nOut(6).build()).build());
        network.init();
        network.addListeners(new StepSizeListener());
        INDArray before = network.params().dup();
        // DL4J's own refusal.
        assertThrows(RuntimeException.class, () -> Problem.MLP_CLIPPED.fit(network, 1));
        assertEquals(before, network.params());
    }
}
