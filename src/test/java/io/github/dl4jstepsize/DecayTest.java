package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import io.github.dl4jstepsize.rule.Step;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.optimize.listeners.CheckpointListener;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Sgd;

import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Steps that become shorter towards the end of a training. */
class DecayTest {

    private static final int BATCHES = 5;
    private static final double RATE = 0.1;

    private static List<DataSet> epoch() {
        List<DataSet> batches = new ArrayList<>();
        for (int i = 0; i < BATCHES; i++) {
            MultiDataSet batch = Problem.MLP_CLIPPED.batch(i, 8, DataType.DOUBLE);
            batches.add(new DataSet(batch.getFeatures(0), batch.getLabels(0)));
        }
        return batches;
    }

    private static MultiLayerNetwork network(IUpdater updater) {
        return (MultiLayerNetwork) Problem.MLP_CLIPPED.network(updater, DataType.DOUBLE);
    }

    /** The learning rates of a training with constant steps, in units of that step. */
    private static List<Double> factors(StepSizeListener listener, int epochs) {
        MultiLayerNetwork network = network(new ProbeUpdater(batch -> Step.chosen(RATE, RATE, Outcome.REUSED)));
        List<Double> factors = new ArrayList<>();
        network.setListeners(listener.onStep(record -> {
            assertEquals(RATE, record.stepSize(), "the method's own step size is not touched");
            factors.add(record.learningRate() / RATE);
        }));
        network.fit(new ExistingDataSetIterator(epoch()), epochs);
        return factors;
    }

    private static void assertFactors(List<Double> factors, double... expected) {
        assertEquals(expected.length, factors.size());
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], factors.get(i), 1e-12, "iteration " + i);
        }
    }

    @Test
    void isLinearInIterations() {
        assertFactors(factors(new StepSizeListener().iterations(10), 2), 1, .9, .8, .7, .6, .5, .4, .3, .2, .1);
    }

    @Test
    void hasTheShapeOfACosine() {
        double r = Math.sqrt(0.5);
        assertFactors(factors(new StepSizeListener().decay(Decay.COSINE).iterations(4), 1),
                1, (1 + r) / 2, 0.5, (1 - r) / 2, Horizon.FLOOR);
    }

    /**
     * An epoch's last batch, often a small one, would otherwise move the parameters as far as a whole one; from half of it
     * on it is left alone.
     */
    @Test
    void aSmallerBatchCountsInProportion() {
        MultiLayerNetwork network = network(new ProbeUpdater(batch -> Step.chosen(RATE, RATE, Outcome.REUSED)));
        List<Double> factors = new ArrayList<>();
        network.setListeners(new StepSizeListener().iterations(10)
                .onStep(record -> factors.add(record.learningRate() / RATE)));
        for (int size : new int[]{8, 8, 2, 8, 16, 4, 4, 3, 2}) {
            MultiDataSet batch = Problem.MLP_CLIPPED.batch(1, size, DataType.DOUBLE);
            INDArray before = network.params().dup();
            network.fit(batch.getFeatures(0), batch.getLabels(0));
            assertTrue(network.params().distance2(before) > 0);
        }
        assertFactors(factors, 1, .9, .8 / 4, .7, .6, .5 / 4, .4, .3, .2);
    }

    /** The first epoch's batches have to be counted. */
    @Test
    void takesTheEpochsAfterTheFirst() {
        assertFactors(factors(new StepSizeListener().epochs(3), 3), 1, 1, 1, 1, 1, 1, .9, .8, .7, .6, .5, .4, .3, .2, .1);
    }

    @Test
    void goesOnAtAFloor() {
        double floor = Horizon.FLOOR;
        assertFactors(factors(new StepSizeListener().epochs(1), 2), 1, 1, 1, 1, 1, floor, floor, floor, floor, floor);
        assertFactors(factors(new StepSizeListener().iterations(3), 1), 1, 2.0 / 3, 1.0 / 3, floor, floor);
    }

    @Test
    void thereIsNoneWithoutAHorizon() {
        assertFactors(factors(new StepSizeListener(), 1), 1, 1, 1, 1, 1);
        assertFactors(factors(new StepSizeListener().decay(Decay.NONE).iterations(3), 1), 1, 1, 1, 1, 1);
        assertFactors(factors(new StepSizeListener().iterations(3).decay(Decay.NONE), 1), 1, 1, 1, 1, 1);
    }

    @Test
    void goesWithTheListenerThatAskedForIt() {
        MultiLayerNetwork network = network(new ProbeUpdater(batch -> Step.chosen(RATE, RATE, Outcome.REUSED)));
        List<Double> factors = new ArrayList<>();
        network.setListeners(new StepSizeListener().iterations(2).onStep(record -> factors.add(record.learningRate() / RATE)));
        epoch().subList(0, 3).forEach(network::fit);
        network.setListeners(new StepSizeListener().onStep(record -> factors.add(record.learningRate() / RATE)));
        network.fit(epoch().get(3));
        // Of two listeners, one that knows no length leaves the other's.
        network.addListeners(new StepSizeListener().iterations(10), new StepSizeListener());
        network.fit(epoch().get(4));
        assertFactors(factors, 1, 0.5, Horizon.FLOOR, 1, 0.6);
    }

    @Test
    void isAFactorOnTheParametersMove() {
        ProbeUpdater updater = new ProbeUpdater(batch -> Step.chosen(RATE, RATE, Outcome.REUSED));
        MultiLayerNetwork whole = network(updater);
        whole.setListeners(new StepSizeListener());
        MultiLayerNetwork half = network(updater);
        half.setListeners(new StepSizeListener().iterations(2));
        // The second of two iterations has half the step.
        whole.fit(epoch().get(0));
        half.fit(epoch().get(0));
        INDArray before = whole.params().dup();
        whole.fit(epoch().get(1));
        half.fit(epoch().get(1));
        INDArray expected = before.add(whole.params().sub(before).mul(0.5));
        assertEquals(0, half.params().distance2(expected), 1e-12);
    }

    /** Where a line ends, a method that walks along it goes back to the decayed part of the way. */
    @Test
    void shortensLinesThatAreWalked() {
        // Without momentum the next line's first step is that of gradient descent.
        for (StepSizeUpdater updater : List.of(GolsUpdater.builder().momentum(0).build(),
                PlsUpdater.builder().momentum(0).build())) {
            MultiLayerNetwork network = network(updater);
            network.setListeners(new StepSizeListener().iterations(1));
            INDArray lineStart = network.params().dup();
            List<DataSet> batches = epoch();
            int lines = 0;
            for (int i = 0; i < 60; i++) {
                DataSet batch = batches.get(i % BATCHES);
                INDArray lineEnd = network.params().dup();
                network.fit(batch);
                StepRecord record = StepSizes.lastRecord(network);
                if (record.outcome() == Outcome.NEXT_LINE) {
                    MultiLayerNetwork descent = network(new Sgd(record.learningRate()));
                    descent.setParams(lineEnd);
                    descent.fit(batch);
                    INDArray firstStep = descent.params().sub(lineEnd);
                    INDArray decayedEnd = lineStart.add(lineEnd.sub(lineStart).mul(Horizon.FLOOR));
                    assertEquals(0, network.params().distance2(decayedEnd.add(firstStep)), 1e-10, updater + ", " + i);
                    lineStart = decayedEnd;
                    lines++;
                }
            }
            assertTrue(lines > 3, updater + " has searched " + lines + " lines");
        }
    }

    @Test
    void survivesAResume(@TempDir File directory) throws IOException {
        MultiLayerNetwork whole = network(new L4Updater());
        whole.setListeners(new StepSizeListener().epochs(4));
        whole.fit(new ExistingDataSetIterator(epoch()), 2);
        File file = new File(directory, "net.zip");
        ModelSerializer.writeModel(whole, file, true);
        MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file, true);
        restored.setListeners(new StepSizeListener().epochs(4));
        whole.fit(new ExistingDataSetIterator(epoch()), 2);
        restored.fit(new ExistingDataSetIterator(epoch()), 2);
        assertEquals(0, ForwardPassTest.maxDifference(whole.params(), restored.params()));
        assertEquals(StepSizes.lastRecord(whole).learningRate(), StepSizes.lastRecord(restored).learningRate());
    }

    /** Whoever goes on with the rest of the data goes on with the same epoch. */
    @Test
    void survivesAResumeInTheMiddleOfAnEpoch(@TempDir File directory) throws IOException {
        MultiLayerNetwork whole = network(new L4Updater());
        whole.setListeners(new StepSizeListener().epochs(4));
        whole.fit(new ExistingDataSetIterator(epoch()));
        epoch().subList(0, 2).forEach(whole::fit);
        File file = new File(directory, "net.zip");
        ModelSerializer.writeModel(whole, file, true);
        MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file, true);
        restored.setListeners(new StepSizeListener().epochs(4));
        List<DataSet> rest = epoch().subList(2, BATCHES);
        rest.forEach(whole::fit);
        whole.incrementEpochCount();
        whole.fit(new ExistingDataSetIterator(epoch()));
        restored.fit(new ExistingDataSetIterator(rest));
        restored.fit(new ExistingDataSetIterator(epoch()));
        assertEquals(0, ForwardPassTest.maxDifference(whole.params(), restored.params()));
        assertEquals(StepSizes.lastRecord(whole).learningRate(), StepSizes.lastRecord(restored).learningRate());
    }

    /**
     * DL4J's listener saves before the epoch that has ended is counted, and before or after ours hears of its end: then the first
     * epoch, whose length nobody knows yet, cannot be told from half a one.
     */
    @ParameterizedTest
    @CsvSource({"true, 0", "true, 1", "false, 1"})
    void survivesAResumeFromTheEndOfAnEpoch(boolean oursFirst, int checkpoint, @TempDir File directory) {
        for (StepSizeUpdater updater : List.of(new L4Updater(), new AutoUpdater())) {
            CheckpointListener checkpoints = new CheckpointListener.Builder(directory).keepAll().saveEveryNEpochs(1)
                    .deleteExisting(true).build();
            StepSizeListener ours = new StepSizeListener().epochs(4);
            MultiLayerNetwork whole = network(updater);
            whole.setListeners(oursFirst ? List.of(ours, checkpoints) : List.of(checkpoints, ours));
            whole.fit(new ExistingDataSetIterator(epoch()), 4);
            MultiLayerNetwork restored = CheckpointListener.loadCheckpointMLN(directory, checkpoint);
            restored.setListeners(ours);
            restored.fit(new ExistingDataSetIterator(epoch()), 3 - checkpoint);
            // Before ours hears of it, the network is not at the average, from which the next epoch begins but for roundings.
            assertEquals(0, ForwardPassTest.maxDifference(whole.params(), restored.params()), oursFirst ? 0 : 1e-12,
                    updater.toString());
            assertEquals(StepSizes.lastRecord(whole).learningRate(), StepSizes.lastRecord(restored).learningRate());
        }
    }

    @Test
    void refusesImpossibleLengths() {
        assertThrows(IllegalArgumentException.class, () -> new StepSizeListener().epochs(0));
        assertThrows(IllegalArgumentException.class, () -> new StepSizeListener().iterations(-1));
        assertThrows(IllegalArgumentException.class, () -> new StepSizeListener().decay(null));
    }
}
