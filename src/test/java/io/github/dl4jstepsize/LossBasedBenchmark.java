package io.github.dl4jstepsize;

import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.learning.config.IUpdater;

import java.util.List;
import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertTrue;

/** L4, GOLS-I and PLS with their recommended settings on Fashion-MNIST: three epochs, seeds 1 to 3. */
@Tag("benchmark")
class LossBasedBenchmark {

    private static final int EPOCHS = 3;
    private static FashionMnist training;
    private static FashionMnist test;

    @BeforeAll
    static void load() {
        FashionMnist.assumePresent();
        training = FashionMnist.training();
        test = FashionMnist.test();
    }

    static Stream<Arguments> methods() {
        return Stream.of(
                Arguments.of(L4Updater.builder().direction(L4Updater.Direction.MOMENTUM).build(), 0.825),
                Arguments.of(L4Updater.builder().direction(L4Updater.Direction.ADAM).build(), 0.835),
                Arguments.of(new GolsUpdater(), 0.75),
                Arguments.of(new PlsUpdater(), 0.0));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void reachesItsAccuracyAndTheLossFallsEveryEpoch(IUpdater updater, double accuracy) {
        for (long seed = 1; seed <= 3; seed++) {
            MultiLayerNetwork network = FashionMnist.multiLayerPerceptron(updater, seed);
            network.addListeners(new StepSizeListener());
            double last = Double.POSITIVE_INFINITY;
            for (int epoch = 0; epoch < EPOCHS; epoch++) {
                double loss = train(network, seed * 100 + epoch);
                assertTrue(loss < last, updater + ", seed " + seed + ": loss " + last + ", then " + loss);
                last = loss;
            }
            double reached = test.accuracy(network);
            System.out.println(updater + ", seed " + seed + ": " + reached);
            assertTrue(reached >= accuracy, updater + ", seed " + seed + ": " + reached);
        }
    }

    /** The mean loss of an epoch's batches. */
    private static double train(MultiLayerNetwork network, long shuffle) {
        double sum = 0;
        List<int[]> batches = training.shuffledBatches(shuffle);
        for (int[] rows : batches) {
            network.fit(training.images(rows), training.labels(rows));
            sum += network.score();
        }
        return sum / batches.size();
    }
}
