package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
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

    /** Equal probabilities for all classes, whatever has been learned; parameters and random numbers stay as they are. */
    @Test
    void aNetworkThatKnowsNothing() {
        List<Double> losses = new ArrayList<>();
        IUpdater updater = new ProbeUpdater(batch -> {
            losses.add(batch.lossOfIgnorance());
            return Step.chosen(0, 0, Outcome.CONSTANT);
        }) {
            @Override
            boolean asksForIgnorance() {
                return true;
            }
        };
        // As Keras' networks are imported.
        MultiLayerNetwork beforeLoss = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().updater(updater).list(
                new DenseLayer.Builder().nIn(12).nOut(4).build(), new ActivationLayer(Activation.SOFTMAX),
                new LossLayer.Builder(LossFunction.MCXENT).activation(Activation.IDENTITY).build()).build());
        beforeLoss.init();
        MultiLayerNetwork outputLayer = (MultiLayerNetwork) Problem.MLP_CLIPPED.network(updater, DataType.FLOAT);
        for (Model network : List.of(beforeLoss, beforeLoss.toComputationGraph(), outputLayer, outputLayer.toComputationGraph())) {
            network.setListeners(new StepSizeListener());
            INDArray before = network.params().dup();
            Problem.MLP_CLIPPED.fit(network, 1);
            assertEquals(Math.log(4), losses.get(0), 1e-5);
            assertEquals(0, ForwardPassTest.maxDifference(before, network.params()));
            assertEquals(1, StepSizes.lastRecord(network).forwardPasses());
            losses.clear();
        }
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
