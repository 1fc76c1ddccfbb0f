package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** A network that goes on with other data: the digits with inverted pixels and other labels. */
class OtherDataTest {

    private static final int BATCH = 64;
    private static final int EPOCHS = 20;
    private static final int MANY_EPOCHS = 60;
    /** The average of the whole training has 0.284 then. */
    private static final double TRAINED = 0.85;
    private static final int EPOCHS_OF_OTHERS = 3;
    /** Batches that tell of the change; one of the digits may seem to do so, too. */
    private static final int RUN = 16;

    private static DataSet others(DataSet digits) {
        INDArray labels = digits.getLabels();
        INDArray shifted = Nd4j.concat(1, labels.getColumns(3, 4, 5, 6, 7, 8, 9), labels.getColumns(0, 1, 2));
        return new DataSet(digits.getFeatures().rsub(1), shifted);
    }

    private static MultiLayerNetwork network(IUpdater updater) {
        MultiLayerNetwork network = new MultiLayerNetwork(Digits.network(updater));
        network.init();
        network.setListeners(new StepSizeListener());
        return network;
    }

    private static void fit(MultiLayerNetwork network, DataSet data, int epochs) {
        network.fit(new ListDataSetIterator<>(new ArrayList<>(data.batchBy(BATCH)), 1), epochs);
    }

    private static double accuracy(MultiLayerNetwork network, DataSet data) {
        return network.evaluate(new ListDataSetIterator<>(List.of(data), 1)).accuracy();
    }

    /** As if somebody had called setUpdater(null) then. In the middle of the batches that tell of it the network is saved. */
    @Test
    void autoBeginsAnewToTheBit() throws IOException {
        Digits digits = Digits.load();
        List<DataSet> others = others(digits.train).batchBy(BATCH);
        MultiLayerNetwork network = network(new AutoUpdater());
        fit(network, digits.train, EPOCHS);
        int batch = 0;
        MultiLayerNetwork expected;
        boolean begun;
        do {
            if (batch == RUN / 2) {
                network = (MultiLayerNetwork) Problem.restored(network);
                network.addListeners(new StepSizeListener());
            }
            expected = network.clone();
            MultiLayerNetwork trained = network;
            DataSet next = others.get(batch);
            begun = GuardTest.printed(() -> trained.fit(next)).contains("begin anew");
            batch++;
        } while (!begun && batch < others.size());
        assertTrue(Math.abs(batch - RUN) <= 1, "it begins anew with batch " + batch);
        expected.setUpdater(null);
        expected.setListeners(new StepSizeListener());
        expected.fit(others.get(batch - 1));
        for (DataSet next : others.subList(batch, others.size())) {
            assertEquals(0, ForwardPassTest.maxDifference(expected.params(), network.params()));
            assertEquals(0, ForwardPassTest.maxDifference(StepSizes.averaged(expected).params(),
                    StepSizes.averaged(network).params()));
            network.fit(next);
            expected.fit(next);
        }
    }

    /** What the rule is told of a network's first batch; parameters and random numbers stay as they are. */
    private static double ignorance(Model network, MultiDataSet batch) {
        Problem.forgetUpdater(network);
        INDArray before = network.params().dup();
        network.setListeners(new StepSizeListener());
        ignorance = Double.NaN;
        Problem.fit(network, batch);
        assertEquals(0, ForwardPassTest.maxDifference(before, network.params()));
        return ignorance;
    }

    private static double ignorance;

    private static IUpdater probe() {
        return new ProbeUpdater(batch -> {
            // The later segments of a sequence are iterations of their own.
            ignorance = Double.isNaN(ignorance) ? batch.ignorance() : ignorance;
            return Step.chosen(0, 0, Outcome.CONSTANT);
        }) {
            @Override
            boolean asksForIgnorance() {
                return true;
            }
        };
    }

    /** Beside equal probabilities for all classes, and beside the labels of others. */
    @Test
    void theLossOfIgnorance() {
        // As Keras' networks are imported.
        MultiLayerNetwork beforeLoss = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(probe()).list(
                new DenseLayer.Builder().nIn(12).nOut(4).build(), new ActivationLayer(Activation.SOFTMAX),
                new LossLayer.Builder(LossFunction.MCXENT).activation(Activation.IDENTITY).build()).build());
        beforeLoss.init();
        MultiLayerNetwork outputLayer = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(probe(), DataType.FLOAT);
        MultiDataSet batch = Problem.MLP_CLIPPED.batch(1, 8, DataType.FLOAT);
        INDArray labels = batch.getLabels(0);
        DataSet others = new DataSet(batch.getFeatures(0), Nd4j.concat(0, labels.getRows(4, 5, 6, 7), labels.getRows(0, 1, 2, 3)));
        for (Model network : List.of(beforeLoss, beforeLoss.toComputationGraph(), outputLayer, outputLayer.toComputationGraph())) {
            for (double certainty : new double[]{1, 0.01}) {
                network.setParams(network.params().mul(certainty));
                double ofOthers = TrainingLoopTest.score(network, List.of(others));
                double expected = TrainingLoopTest.score(network, List.of(new DataSet(batch.getFeatures(0), labels)))
                        / Math.min(ofOthers, Math.log(4));
                assertEquals(expected, ignorance(network, batch), 1e-5);
                assertEquals(3, StepSizes.lastRecord(network).forwardPasses());
            }
        }
    }

    /** It is one of the mean, which biases or weights may know. */
    @Test
    void aNetworkThatKnowsTheMeanOnly() {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(1).updater(probe()).list(
                new DenseLayer.Builder().nIn(5).nOut(6).activation(Activation.TANH).build(),
                new OutputLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).nIn(6).nOut(1).build()).build());
        network.init();
        INDArray features = Nd4j.ones(64, 5);
        INDArray noise = Problem.random(1, DataType.FLOAT, 64, 1);
        for (String layer : List.of("1_W", "1_b")) {
            network.getParam(layer).addi(100);
            MultiDataSet batch = new MultiDataSet(features, network.output(features).add(noise));
            assertEquals(1, ignorance(network, batch), 1e-3, layer);
        }
        MultiDataSet known = new MultiDataSet(Problem.random(2, DataType.FLOAT, 64, 5), noise);
        known.setLabels(0, network.output(known.getFeatures(0)).add(noise.mul(1e-3)));
        assertTrue(ignorance(network, known) < 0.01, ignorance + "");
    }

    /** Views, segments of sequences, a mask with a number for each label, more rows than the features have. */
    @Test
    void labelsOfEveryShape() {
        for (Problem problem : List.of(Problem.TRUNCATED_LSTM, Problem.TRUNCATED_LSTM_GRAPH)) {
            assertTrue(ignorance(problem.network(probe(), DataType.FLOAT), problem.batch(1, 32, DataType.FLOAT)) > 0);
        }
        MultiLayerNetwork column = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(probe()).list(
                new OutputLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).nIn(4).nOut(1).build()).build());
        column.init();
        INDArray table = Problem.random(1, DataType.FLOAT, 32, 5);
        INDArray labels = table.get(NDArrayIndex.all(), NDArrayIndex.interval(4, 5));
        assertTrue(ignorance(column, new MultiDataSet(Problem.random(2, DataType.FLOAT, 32, 4), labels)) > 0);

        MultiDataSet sequences = Problem.sequences(1, 32, 5, 3, 7, DataType.FLOAT);
        MultiDataSet masked = new MultiDataSet(sequences.getFeatures(), sequences.getLabels(), null,
                new INDArray[]{Problem.lengths(32, 7, DataType.FLOAT).reshape(32, 1, 7).repeat(1, 3)});
        MultiLayerNetwork recurrent = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(probe()).list(
                new LSTM.Builder().nIn(5).nOut(6).build(),
                new RnnOutputLayer.Builder(LossFunction.MSE).activation(Activation.IDENTITY).nIn(6).nOut(3).build()).build());
        recurrent.init();
        assertTrue(ignorance(recurrent, masked) > 0);
        assertTrue(ignorance(recurrent, sequences) > 0, "no mask stays behind");

        ComputationGraph stacked = new ComputationGraph(new NeuralNetConfiguration.Builder().updater(probe()).graphBuilder()
                .addInputs("left", "right").addVertex("both", new StackVertex(), "left", "right")
                .addLayer("out", Problem.classes(4).nIn(5).build(), "both").setOutputs("out").build());
        stacked.init();
        assertTrue(ignorance(stacked, new MultiDataSet(new INDArray[]{Problem.random(1, DataType.FLOAT, 16, 5),
            Problem.random(2, DataType.FLOAT, 16, 5)}, new INDArray[]{Problem.oneHot(1, DataType.FLOAT, 32, 4)})) > 0);
    }

    /** What one of several outputs does not know has to be learned. */
    @Test
    void theMostIgnorantOutputCounts() {
        ComputationGraph graph = (ComputationGraph) Problem.TWO_INPUTS_TWO_OUTPUTS.network(probe(), DataType.FLOAT);
        ForwardPassTest.withoutDropout(graph);
        MultiDataSet batch = Problem.TWO_INPUTS_TWO_OUTPUTS.batch(1, 64, DataType.FLOAT);
        batch.setLabels(0, graph.output(batch.getFeatures())[0]);
        assertTrue(ignorance(graph, batch) > 0.5, ignorance + "");
        INDArray largest = graph.output(batch.getFeatures())[1].argMax(1);
        graph.getParam("class_W").muli(100);
        batch.setLabels(1, Nd4j.eye(4).getRows(largest.toIntVector()));
        assertTrue(ignorance(graph, batch) < 0.5, ignorance + "");
    }

    /** As users set them where a class is rare: such a network knows nothing yet. */
    @Test
    void biasesThatTellHowOftenAClassIsAreNoKnowledge() {
        double rare = 0.01;
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(new AutoUpdater()).list(
                new DenseLayer.Builder().nIn(5).nOut(6).activation(Activation.TANH).build(),
                new OutputLayer.Builder(LossFunction.XENT).activation(Activation.SIGMOID).biasInit(Math.log(rare / (1 - rare)))
                        .nIn(6).nOut(1).build()).build());
        network.init();
        MultiLayerNetwork without = network.clone();
        without.getLayer(1).getParam("b").assign(0);
        INDArray features = Problem.random(1, DataType.FLOAT, 64, 5);
        INDArray labels = Nd4j.zeros(64, 1);
        assertEquals(firstStep(without, new DataSet(features, labels)), firstStep(network, new DataSet(features, labels)), 1e-12);
    }

    private static double firstStep(MultiLayerNetwork network, DataSet data) {
        network.setListeners(new StepSizeListener());
        network.fit(data);
        return StepSizes.lastRecord(network).stepSize();
    }

    /** A second training of what has been learned leaves it. */
    @Test
    void whatHasBeenTrainedBeforeMakesStepsShorter() throws IOException {
        Digits digits = Digits.load();
        MultiLayerNetwork network = network(new AutoUpdater());
        fit(network, digits.train, 1);
        double longest = StepSizes.lastRecord(network).stepSize();
        fit(network, digits.train, EPOCHS);
        MultiLayerNetwork again = StepSizes.averaged(network);
        double before = accuracy(again, digits.test);
        again.setListeners(new StepSizeListener());
        fit(again, digits.train, 1);
        assertTrue(StepSizes.lastRecord(again).stepSize() < longest / 10, StepSizes.lastRecord(again).toString());
        double after = accuracy(StepSizes.averaged(again), digits.test);
        assertTrue(after > before - 0.01, before + ", then " + after);
    }

    /** All layers on few examples like those that it knows. README's numbers are these. */
    @Test
    void whatATrainedNetworkKnowsStays() throws IOException {
        Digits digits = Digits.load();
        DataSet known = (DataSet) digits.train.getRange(0, 800);
        DataSet few = (DataSet) digits.train.getRange(800, 928);
        MultiLayerNetwork network = network(new Adam(1e-2));
        fit(network, known, EPOCHS);
        double before = accuracy(network, digits.test);
        FineTuneConfiguration.Builder tuning = new FineTuneConfiguration.Builder();
        MultiLayerNetwork auto = new TransferLearning.Builder(network)
                .fineTuneConfiguration(tuning.updater(new AutoUpdater()).build()).build();
        auto.setListeners(new StepSizeListener());
        fit(auto, few, EPOCHS);
        double after = accuracy(auto, digits.test);
        MultiLayerNetwork adam = new TransferLearning.Builder(network)
                .fineTuneConfiguration(tuning.updater(new Adam(1e-2)).build()).build();
        fit(adam, few, EPOCHS);
        System.out.printf("fine-tuning: %.3f before, %.3f after, %.3f with Adam%n", before, after, accuracy(adam, digits.test));
        assertTrue(after > before - 0.01, before + ", then " + after);
    }

    /** README's number is this one. */
    @Test
    void theAverageIsOfTheOtherData() throws IOException {
        Digits digits = Digits.load();
        DataSet others = others(digits.train);
        DataSet test = others(digits.test);
        MultiLayerNetwork auto = network(new AutoUpdater());
        fit(auto, digits.train, MANY_EPOCHS);
        double before = accuracy(StepSizes.averaged(auto), test);
        String printed = GuardTest.printed(() -> fit(auto, others, EPOCHS_OF_OTHERS));
        double average = accuracy(StepSizes.averaged(auto), test);
        System.out.printf("other digits: %.3f before, then %.3f%n", before, average);
        assertTrue(before < 0.3, "the data are others: " + before);
        assertTrue(average > TRAINED, "" + average);
        assertEquals(2, printed.split("begin anew", -1).length, printed);
    }
}
