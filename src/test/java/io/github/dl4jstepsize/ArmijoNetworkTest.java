package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.impl.ActivationTanH;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** The Armijo family on small networks, seen from outside: by the loss after a step, and by a layer that counts. */
class ArmijoNetworkTest {

    private static final int SEEDS = 6;
    private static final int ITERATIONS = 25;
    private static final double ROUNDING = 1e-12;

    /** Counts the forward passes of its layer. */
    private static final class CountingTanH extends ActivationTanH {

        private static final long serialVersionUID = 1;
        private static final AtomicInteger PASSES = new AtomicInteger();

        @Override
        public INDArray getActivation(INDArray in, boolean training) {
            PASSES.incrementAndGet();
            return super.getActivation(in, training);
        }
    }

    private static MultiLayerNetwork network(IUpdater updater, int seed) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder().seed(seed)
                .dataType(DataType.DOUBLE).updater(updater).list()
                .layer(new DenseLayer.Builder().nOut(5 + seed).activation(new CountingTanH()).build())
                .layer(Problem.classes(4).build()).setInputType(InputType.feedForward(12)).build());
        network.init();
        network.setListeners(new StepSizeListener());
        return network;
    }

    private static DataSet batch(int number) {
        MultiDataSet batch = Problem.MLP_CLIPPED.batch(number, 8, DataType.DOUBLE);
        return new DataSet(batch.getFeatures(0), batch.getLabels(0));
    }

    /** Along the gradient, the slope is the square of the step's length by the square of the step size. */
    @ParameterizedTest
    @EnumSource(SlsUpdater.Condition.class)
    void acceptedStepsMeetTheCondition(SlsUpdater.Condition condition) {
        int accepted = 0;
        for (int seed = 1; seed <= SEEDS; seed++) {
            SlsUpdater updater = SlsUpdater.builder().condition(condition).c(0.05 * seed).build();
            MultiLayerNetwork network = network(updater, seed);
            for (int i = 0; i < ITERATIONS; i++) {
                DataSet batch = batch(100 * seed + i);
                INDArray before = network.params().dup();
                double start = network.score(batch, true);
                network.fit(batch);
                StepRecord record = StepSizes.lastRecord(network);
                if (record.outcome() == Outcome.ACCEPTED) {
                    double decrease = start - network.score(batch, true);
                    double distance = before.distance2(network.params());
                    double linear = distance * distance / record.stepSize();
                    assertTrue(decrease >= updater.getC() * linear - ROUNDING, "seed " + seed + ", " + record);
                    assertTrue(condition == SlsUpdater.Condition.ARMIJO
                            || decrease <= (1 - updater.getC()) * linear + ROUNDING, "seed " + seed + ", " + record);
                    accepted++;
                }
            }
        }
        assertTrue(accepted > SEEDS * ITERATIONS / 2, accepted + " steps were accepted");
    }

    static Stream<StepSizeUpdater> family() {
        return Stream.of(new SlsUpdater(), SlsUpdater.builder().condition(SlsUpdater.Condition.GOLDSTEIN).build(),
                SlsUpdater.builder().base(new Adam()).build(), new SalsaUpdater(),
                SalsaUpdater.builder().direction(SalsaUpdater.Direction.SGD).build(), SalsaUpdater.published().build(),
                new AccuracySlsUpdater(),
                AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.LOSS).build(),
                AccuracySlsUpdater.builder().metric(AccuracySlsUpdater.Metric.ACCURACY).build(),
                AccuracySlsUpdater.builder().searchBatch(AccuracySlsUpdater.SearchBatch.ANOTHER).build(),
                AccuracySlsUpdater.builder().searchBatch(AccuracySlsUpdater.SearchBatch.LARGE).searchEvery(5).build());
    }

    @ParameterizedTest
    @MethodSource("family")
    void recordsTellHowManyForwardPassesThereWere(StepSizeUpdater updater) {
        MultiLayerNetwork network = network(updater, 2);
        int extra = 0;
        for (int i = 0; i < ITERATIONS; i++) {
            CountingTanH.PASSES.set(0);
            network.fit(batch(i));
            StepRecord record = StepSizes.lastRecord(network);
            assertEquals(1 + record.forwardPasses(), CountingTanH.PASSES.get(), updater + ", " + record);
            extra += record.forwardPasses();
        }
        assertTrue(extra >= ITERATIONS / 5, updater + ": " + extra + " extra passes");
    }
}
