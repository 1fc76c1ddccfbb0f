package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** FAN and POL on numbers that are known. */
class PolTest {

    private static final int EARLIER_EPOCHS = 7;
    private static final double[] GRADIENT = {3, -4};

    private static Pol.Settings settings() {
        Pol.Settings settings = new Pol.Settings();
        settings.fraction = 2;
        settings.minStep = 0;
        settings.maxStep = 1e9;
        settings.warmUp = 1;
        settings.decay = 0.98;
        settings.beta2 = 0.999;
        settings.epsilon = 1e-8;
        return settings;
    }

    private static Training training(StepRule rule) {
        return new Training(rule, 1, 1);
    }

    /** As if every gradient so far had been the same one. */
    private static void averageSquares(Training training, int steps) {
        double bias = 1 - Math.pow(0.999, steps);
        training.squaredGradient = new ArrayVector(new double[]{9 * bias, 16 * bias});
    }

    private static Step step(Training training, double loss) {
        return training.step(x -> loss, x -> GRADIENT.clone());
    }

    /** With v_hat = g^2, S is the sum of |g|: eta = 2 * 0.7 / 7. */
    @Test
    void isThePolyakStepInAdamsMetric() {
        Training training = training(new Pol(settings()));
        for (int t = 1; t <= 35; t++) {
            averageSquares(training, t);
            Step step = step(training, 0.7);
            assertEquals(0.2, step.learningRate(), 1e-8, "iteration " + t);
            assertEquals(Outcome.LINEARIZED, step.outcome());
        }
    }

    @Test
    void averagesTheLoss() {
        Training training = training(new Pol(settings()));
        averageSquares(training, 1);
        step(training, 1);
        averageSquares(training, 2);
        Step step = step(training, 3);
        double mean = (0.98 * 0.02 * 1 + 0.02 * 3) / (0.98 * 0.02 + 0.02);
        assertEquals(2 * mean / 7, step.learningRate(), 1e-8);
    }

    @Test
    void warmsUpAndKeepsItsBounds() {
        Pol.Settings settings = settings();
        settings.warmUp = 4;
        settings.minStep = 0.03;
        settings.maxStep = 0.1;
        Training training = training(new Pol(settings));
        double[] rates = {0.025, 0.05, 0.075, 0.1, 0.1};
        for (int t = 1; t <= rates.length; t++) {
            averageSquares(training, t);
            Step step = step(training, 0.7);
            assertEquals(rates[t - 1], step.learningRate(), 1e-12);
            assertEquals(0.1, step.stepSize(), 1e-12);
            assertEquals(Outcome.BOUNDED, step.outcome());
        }
        Training low = training(new Pol(settings));
        averageSquares(low, 1);
        assertEquals(0.03, step(low, -5).stepSize(), 1e-12, "negative losses");
    }

    @Test
    void nothingIsNotANumber() {
        Training training = training(new Pol(settings()));
        training.squaredGradient = new ArrayVector(new double[2]);
        Step step = training.step(x -> 0, x -> new double[2]);
        assertTrue(Double.isFinite(step.learningRate()));
        assertEquals(1, training.parameters[0]);
    }

    @Test
    void needsTheGradientNowAndThen() {
        Pol.Settings settings = settings();
        settings.warmUp = 5;
        Pol pol = new Pol(settings);
        Training training = training(pol);
        int measured = 0;
        for (int t = 1; t <= 100; t++) {
            measured += pol.needsGradient() ? 1 : 0;
            averageSquares(training, t);
            step(training, 1);
        }
        assertEquals(5 + 9, measured);
        assertFalse(pol.looksAhead());
    }

    @Test
    void fanWarmsUpAndStays() {
        Training training = training(new Fan(0.1, 4, 0, 0.999));
        double[] rates = {0.025, 0.05, 0.075, 0.1, 0.1};
        for (double rate : rates) {
            assertEquals(rate, step(training, 1).learningRate(), 1e-15);
        }
        assertEquals(1 - 0.35 * 3, training.parameters[0], 1e-12);
    }

    @Test
    void fanBeginsWithALongerStepIfItIsToDecay() {
        Training training = training(new Fan(0.1, 1, 0, 0.999));
        training.decays = true;
        assertEquals(0.15, step(training, 1).learningRate(), 1e-15);
    }

    /** In proportion to the power 0.75, 1/8 with a sixteenth of 32; the last one in an epoch by its share alone. */
    @ParameterizedTest
    @CsvSource({"64, 1, 0, 0.1", "32, 1, 9, 0.1", "2, 1, 9, 0.0125", "2, 1, 0, 0.0125", "8, 0.25, 9, 0.025", "2, 1, 1, 0.1"})
    void fanMakesShorterStepsWithFewExamples(int examples, double share, int batchesPerEpoch, double rate) {
        Training training = training(new Fan(0.1, 1, 0, 0.999));
        training.size = examples;
        training.share = share;
        training.batchesPerEpoch = batchesPerEpoch;
        assertEquals(rate, step(training, 1).learningRate(), 1e-15);
    }

    /** 0.001 per epoch: after 20 epochs 8 * 0.02 of the parameters join the direction of every eighth iteration. */
    @Test
    void fanPullsWeightsTowardsZeroMoreAndMore() {
        assertEquals(8 * 0.02, pull(20, 5), 1e-12);
        assertEquals(8 * 0.1, pull(1000, 5), 1e-12, "not without bound");
        assertEquals(8 * 0.1, pull(1000, 12), 1e-12);
        assertEquals(8 * 0.1 / 4, pull(1000, 48), 1e-12, "of more batches a smaller part in each");
        assertEquals(8 * 0.02, pull(20, 48), 1e-12);
        assertEquals(0, pull(0, 0), 1e-12, "the first epoch");
        assertEquals(0, pull(20, 1), 1e-12, "one batch per epoch: the same gradient every time");
    }

    /** What joined the direction in eight iterations, in parts of the parameters. */
    private static double pull(int epochs, int batchesPerEpoch) {
        Training training = training(new Fan(0.1, 1, 0.001, 0.999));
        training.batchesPerEpoch = batchesPerEpoch;
        double before = training.parameters[1];
        for (int t = 1; t <= 8; t++) {
            // What was before the first step does not count.
            training.epochs = EARLIER_EPOCHS + (t == 1 ? 0 : epochs);
            before = training.parameters[1];
            step(training, 1);
            if (t < 8) {
                assertEquals(before + 0.1 * 4, training.parameters[1], 1e-12, "no pull in iteration " + t);
            }
        }
        return (before + 0.1 * 4 - training.parameters[1]) / (0.1 * before);
    }
}
