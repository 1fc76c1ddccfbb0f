package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

/** Which of its two methods Auto is, and FAN's own momentum. */
class AutoTest {

    private static final double[] START = {1, -2};

    private static double loss(double[] x) {
        return (x[0] * x[0] + 5 * x[1] * x[1]) / 2;
    }

    private static double[] gradient(double[] x) {
        return new double[]{x[0], 5 * x[1]};
    }

    private static Auto auto() {
        return new Auto(0.1, 0.8, 0.999, 5, 0);
    }

    private static double[] average(StepRule rule, Training training) {
        ArrayVector copy = new ArrayVector(training.parameters.clone());
        rule.average(copy, training::memory);
        return copy.values;
    }

    @Test
    void isScheduleFreeWhileNobodyKnowsTheLength() {
        Auto auto = auto();
        ScheduleFree free = new ScheduleFree(0.1, 0.8, 0.999, 5, 0);
        Training training = new Training(auto, START);
        Training expected = new Training(free, START);
        training.squaredGradient = new ArrayVector(1, 1);
        expected.squaredGradient = training.squaredGradient;
        for (int t = 0; t < 50; t++) {
            // Told later, the decay takes its part, but the method stays.
            training.decays = t >= 30;
            training.decay = t < 30 ? 1 : 1 - (t - 30) / 20.0;
            expected.decay = training.decay;
            training.step(AutoTest::loss, AutoTest::gradient);
            expected.step(AutoTest::loss, AutoTest::gradient);
            assertArrayEquals(expected.parameters, training.parameters);
            assertArrayEquals(average(free, expected), average(auto, training));
        }
    }

    /** FAN's step, half as long again, along the mean of the directions, each weighed with 0.8^age. */
    @Test
    void isFanWithMomentumWhereStepsDecay() {
        Auto auto = auto();
        Training training = new Training(auto, START);
        training.decays = true;
        double[] x = START.clone();
        double[] sum = new double[2];
        double weights = 0;
        for (int t = 1; t <= 100; t++) {
            training.decay = 1 - (t - 1) / 100.0;
            training.share = t == 40 ? 0.25 : 1;
            double[] g = gradient(x);
            weights = 0.8 * weights + 1;
            double rate = 0.1 * 1.5 * Math.min(1, t / 5.0) * training.decay * training.share;
            for (int i = 0; i < 2; i++) {
                sum[i] = 0.8 * sum[i] + g[i];
                x[i] -= rate * sum[i] / weights;
            }
            Step step = training.step(AutoTest::loss, AutoTest::gradient);
            assertEquals(rate, step.learningRate(), 1e-15);
            assertArrayEquals(x, training.parameters, 1e-7);
        }
        assertArrayEquals(training.parameters, average(auto, training), "the network itself is what to use");
    }
}
