package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;

import java.util.Arrays;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** When FAN takes over from schedule-free averaging, and FAN's own momentum. */
class AutoTest {

    private static final double[] START = {1, -2};
    private static final double BETA2 = 0.5;

    private static double loss(double[] x) {
        return (x[0] * x[0] + 5 * x[1] * x[1]) / 2;
    }

    private static double[] gradient(double[] x) {
        return new double[]{x[0], 5 * x[1]};
    }

    private static Auto auto() {
        return new Auto(0.1, 0.8, BETA2, 5, 0);
    }

    private static double[] average(StepRule rule, Training training) {
        ArrayVector copy = new ArrayVector(training.parameters.clone());
        rule.average(copy, training::memory);
        return copy.values;
    }

    private static ScheduleFree free() {
        return new ScheduleFree(0.1, 0.8, BETA2, 5, 0);
    }

    private static Training training(StepRule rule) {
        Training training = new Training(rule, START);
        training.squaredGradient = new ArrayVector(1, 1);
        return training;
    }

    @Test
    void isScheduleFreeWhileNobodyKnowsTheLength() {
        requireScheduleFree(false, 1, 0);
    }

    @Test
    void isScheduleFreeWhereTheLossStaysFarFromZero() {
        requireScheduleFree(true, 1, 1);
    }

    /** A noisy training, too, may begin with a loss a hundred times as large; there FAN is worse, and for good. */
    @Test
    void isScheduleFreeWhereEpochsHaveManyBatches() {
        requireScheduleFree(true, 2, 0);
    }

    private static void requireScheduleFree(boolean decays, int batchesPerEpoch, double noise) {
        Auto auto = auto();
        ScheduleFree free = free();
        Training training = training(auto);
        Training expected = training(free);
        training.decays = decays;
        training.batchesPerEpoch = batchesPerEpoch;
        for (int t = 0; t < 200; t++) {
            training.decay = decays ? 1 - t / 200.0 : 1;
            training.nextDecay = decays ? 1 - (t + 1) / 200.0 : 1;
            expected.decay = training.decay;
            expected.nextDecay = training.nextDecay;
            training.step(x -> loss(x) + noise, AutoTest::gradient);
            expected.step(x -> loss(x) + noise, AutoTest::gradient);
            assertArrayEquals(expected.parameters, training.parameters);
            assertArrayEquals(average(free, expected), average(auto, training));
        }
        assertEquals(noise == 0, free.fell(), "the loss has fallen to a hundredth");
    }

    /**
     * From the iteration after the one in which the mean loss has fallen: FAN's step, half as long again, along the mean of the
     * directions since then, each weighed with 0.8^age.
     */
    @Test
    void isFanWithMomentumWhereStepsDecayAndTheLossHasFallen() {
        Auto auto = auto();
        ScheduleFree free = free();
        Training training = training(auto);
        Training before = training(free);
        training.decays = true;
        training.batchesPerEpoch = 1;
        int start = 0;
        double[] x = START.clone();
        double[] sum = new double[2];
        double weights = 0;
        for (int t = 1; t <= 400; t++) {
            training.decay = 1 - (t - 1) / 400.0;
            training.share = t == 200 ? 0.25 : 1;
            training.nextDecay = 1 - t / 400.0;
            before.decay = training.decay;
            before.nextDecay = training.nextDecay;
            if (!free.fell()) {
                start = t;
                before.step(AutoTest::loss, AutoTest::gradient);
                training.step(AutoTest::loss, AutoTest::gradient);
                assertArrayEquals(before.parameters, training.parameters);
                x = training.parameters.clone();
                // The scale of the weights is that of the first batch.
                Arrays.fill(training.weightScale, 3);
                continue;
            }
            double[] g = gradient(x);
            weights = 0.8 * weights + 1;
            double rate = 0.1 * 1.5 * Math.min(1, (t - start) / 5.0) * training.decay * training.share;
            for (int i = 0; i < 2; i++) {
                sum[i] = 0.8 * sum[i] + g[i];
                x[i] -= rate * sum[i] / weights;
            }
            Step step = training.step(AutoTest::loss, AutoTest::gradient);
            assertEquals(rate, step.learningRate(), 1e-15);
            assertArrayEquals(x, training.parameters, 1e-7);
        }
        assertTrue(start > 1 && start < 100, "FAN took over after iteration " + start);
        assertArrayEquals(training.parameters, average(auto, training), "the network itself is what to use");
    }
}
