package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import org.deeplearning4j.datasets.iterator.ExistingDataSetIterator;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

import java.io.IOException;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Schedule-free training of a network that can fit its data exactly: a linear regression without noise. */
class LossTowardsZeroTest {

    private static final int EXAMPLES = 32;
    private static final int INPUTS = 6;
    private static final int OUTPUTS = 2;
    private static final double LITTLE = 1e-6;
    private static final double LAST_DIGITS = 1e-9;
    /** Auto's, and a tenth of its step. */
    private static final int WARM_UP = 50;
    private static final double SHORT = 0.02;
    /** More than one measurement of the bound. */
    private static final int AFTERWARDS = 120;

    static Stream<Arguments> trainings() {
        StepSizeUpdater forgetful = ScheduleFreeUpdater.builder().warmUp(1).beta2(0.9).build();
        return Stream.of(
                Arguments.of(forgetful, DataType.FLOAT, 1500),
                Arguments.of(forgetful, DataType.DOUBLE, 1500),
                // Mean losses over a thousand iterations take that long to fall to a hundredth.
                Arguments.of(new AutoUpdater(), DataType.FLOAT, 6000));
    }

    @ParameterizedTest
    @MethodSource("trainings")
    void stepsGetShorterAndTheLossVanishes(StepSizeUpdater updater, DataType type, int iterations) throws IOException {
        DataSet data = data(type);
        MultiLayerNetwork network = network(updater, type);
        double first = network.score(data);
        train(network, data, iterations, StepSizeListener::new, step -> step.outcome() == Outcome.LINEARIZED);
        assertTrue(network.score(data) < LITTLE * first, first + " fell to " + network.score(data));
        assertTrue(StepSizes.averaged(network).score(data) < LITTLE * first, "of the average: "
                + StepSizes.averaged(network).score(data));
    }

    /** FAN takes over, and the network itself is what to use. */
    @Test
    void autoWithAKnownLengthReachesTheLastDigits() throws IOException {
        DataSet data = data(DataType.DOUBLE);
        MultiLayerNetwork network = network(new AutoUpdater(), DataType.DOUBLE);
        double first = network.score(data);
        // A second warm-up tells FAN's first step.
        train(network, data, 6000, () -> new StepSizeListener().iterations(6000),
                step -> step.iteration() > WARM_UP && step.stepSize() < SHORT);
        assertTrue(network.score(data) < LAST_DIGITS * first, first + " fell to " + network.score(data));
        assertEquals(0, ForwardPassTest.maxDifference(network.params(), StepSizes.averaged(network).params()));
    }

    /** Saves and restores the network after a certain step, which there must be, and compares for a while. */
    private static void train(MultiLayerNetwork network, DataSet data, int iterations, Supplier<StepSizeListener> listener,
                              Predicate<StepRecord> special) throws IOException {
        network.setListeners(listener.get());
        int done = 0;
        do {
            network.fit(epoch(data));
            done++;
        } while (!special.test(StepSizes.lastRecord(network)) && done < iterations);
        assertTrue(done < iterations - AFTERWARDS, "there is such a step: " + StepSizes.lastRecord(network));

        MultiLayerNetwork restored = (MultiLayerNetwork) Problem.restored(network);
        restored.addListeners(listener.get());
        for (int t = 0; t < AFTERWARDS; t++) {
            network.fit(epoch(data));
            restored.fit(epoch(data));
            assertEquals(0, ForwardPassTest.maxDifference(network.params(), restored.params()), "goes on to the bit");
            assertEquals(0, ForwardPassTest.maxDifference(StepSizes.averaged(network).params(),
                    StepSizes.averaged(restored).params()));
        }
        for (int t = done + AFTERWARDS; t < iterations; t++) {
            network.fit(epoch(data));
        }
    }

    private static ExistingDataSetIterator epoch(DataSet data) {
        return new ExistingDataSetIterator(List.of(data));
    }

    private static DataSet data(DataType type) {
        Nd4j.getRandom().setSeed(1);
        INDArray features = Nd4j.randn(DataType.DOUBLE, EXAMPLES, INPUTS);
        INDArray weights = Nd4j.randn(DataType.DOUBLE, INPUTS, OUTPUTS);
        return new DataSet(features.castTo(type), features.mmul(weights).castTo(type));
    }

    private static MultiLayerNetwork network(StepSizeUpdater updater, DataType type) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .dataType(type).seed(1).updater(updater).list()
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(INPUTS).nOut(OUTPUTS)
                        .activation(Activation.IDENTITY).build())
                .build());
        network.init();
        return network;
    }
}
