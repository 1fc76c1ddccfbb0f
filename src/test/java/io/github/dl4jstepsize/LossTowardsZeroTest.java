package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Outcome;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
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
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Schedule-free training of a network that can fit its data exactly: a linear regression without noise. */
class LossTowardsZeroTest {

    private static final int EXAMPLES = 32;
    private static final int INPUTS = 6;
    private static final int OUTPUTS = 2;
    private static final double LITTLE = 1e-6;
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
    void stepsGetShorterAndTheLossVanishes(StepSizeUpdater updater, DataType type, int most) throws IOException {
        DataSet data = data(type);
        MultiLayerNetwork network = network(updater, type);
        double first = network.score(data);
        int iterations = 0;
        do {
            network.fit(data);
            iterations++;
        } while (StepSizes.lastRecord(network).outcome() != Outcome.LINEARIZED && iterations < most);
        assertEquals(Outcome.LINEARIZED, StepSizes.lastRecord(network).outcome(), "the bound is used");

        MultiLayerNetwork restored = (MultiLayerNetwork) Problem.restored(network);
        restored.addListeners(new StepSizeListener());
        for (int t = 0; t < AFTERWARDS; t++) {
            network.fit(data);
            restored.fit(data);
            assertEquals(network.params(), restored.params(), "a saved network goes on to the bit");
            assertEquals(StepSizes.averaged(network).params(), StepSizes.averaged(restored).params());
        }
        for (int t = iterations + AFTERWARDS; t < most; t++) {
            network.fit(data);
        }
        assertTrue(network.score(data) < LITTLE * first, first + " fell to " + network.score(data));
        assertTrue(StepSizes.averaged(network).score(data) < LITTLE * first, "of the average: "
                + StepSizes.averaged(network).score(data));
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
                .layer(new OutputLayer.Builder(LossFunction.MSE).nIn(INPUTS).nOut(OUTPUTS).activation(Activation.IDENTITY).build())
                .build());
        network.init();
        network.addListeners(new StepSizeListener());
        return network;
    }
}
