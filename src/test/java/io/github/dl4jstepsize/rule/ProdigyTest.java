package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class ProdigyTest {

    private static final double[] CURVATURES = {3, 0.5, 7};
    private static final double[] SOLUTION = {1, -2, 0.5};
    private static final double[] START = {0.2, -0.4, 1.5};
    /** max |START - SOLUTION| */
    private static final double DISTANCE = 1.6;

    private static Prodigy.Settings settings() {
        Prodigy.Settings settings = new Prodigy.Settings();
        settings.beta1 = 0.9;
        settings.beta2 = 0.999;
        settings.epsilon = 1e-8;
        settings.initialDistance = 1e-6;
        settings.coefficient = 1;
        settings.growth = Double.POSITIVE_INFINITY;
        return settings;
    }

    private static double loss(double[] x) {
        double loss = 0;
        for (int i = 0; i < x.length; i++) {
            loss += Math.log(Math.cosh(CURVATURES[i] * (x[i] - SOLUTION[i])));
        }
        return loss;
    }

    private static double[] gradient(double[] x) {
        double[] g = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            g[i] = CURVATURES[i] * Math.tanh(CURVATURES[i] * (x[i] - SOLUTION[i]));
        }
        return g;
    }

    /** The official code's step, line by line. */
    @ParameterizedTest
    @CsvSource({"false, false, 1, Infinity, 1", "true, false, 0.5, Infinity, 1", "false, false, 2, 1.02, 1",
            "true, true, 1, 1.5, 0.3", "false, false, 1, Infinity, 0.3"})
    void followsTheOfficialCode(boolean biasCorrection, boolean safeguardWarmup, double coefficient, double growth,
                                double rate) {
        Prodigy.Settings settings = settings();
        settings.biasCorrection = biasCorrection;
        settings.safeguardWarmup = safeguardWarmup;
        settings.coefficient = coefficient;
        settings.growth = growth;
        double[] p = START.clone();
        Training training = new Training(new Prodigy(settings), p);
        double beta3 = Math.sqrt(0.999);
        double d0 = 1e-6;
        double d = d0;
        double dMax = d0;
        double numerator = 0;
        double[] averageGradient = new double[3];
        double[] averageSquare = new double[3];
        double[] s = new double[3];
        for (int k = 0; k < 300; k++) {
            double correction = biasCorrection
                    ? Math.sqrt(1 - Math.pow(0.999, k + 1)) / (1 - Math.pow(0.9, k + 1)) : 1;
            double lr = k < 100 ? 1 : rate;
            double dlr = d * lr * correction;
            double[] grad = gradient(p);
            numerator *= beta3;
            double denominator = 0;
            for (int i = 0; i < 3; i++) {
                numerator += d / d0 * dlr * grad[i] * (START[i] - p[i]);
                averageGradient[i] = 0.9 * averageGradient[i] + d * (1 - 0.9) * grad[i];
                averageSquare[i] = 0.999 * averageSquare[i] + d * d * (1 - 0.999) * grad[i] * grad[i];
                s[i] = beta3 * s[i] + d / d0 * (safeguardWarmup ? d : dlr) * grad[i];
                denominator += Math.abs(s[i]);
            }
            double dHat = coefficient * numerator / denominator;
            if (d == d0) {
                d = Math.max(d, dHat);
            }
            dMax = Math.max(dMax, dHat);
            d = Math.min(dMax, d * growth);
            for (int i = 0; i < 3; i++) {
                p[i] -= dlr * averageGradient[i] / (Math.sqrt(averageSquare[i]) + d * 1e-8);
            }

            training.decay = lr;
            Step step = training.step(ProdigyTest::loss, ProdigyTest::gradient);
            assertEquals(Outcome.ESTIMATED, step.outcome());
            assertEquals(dlr, step.factor(), 1e-12);
            assertEquals(0, training.evaluations);
            for (int i = 0; i < 3; i++) {
                assertEquals(p[i], training.parameters[i], 1e-12);
            }
        }
        assertTrue(d > 1e3 * d0, "the estimate has grown to " + d);
    }

    /** For convex losses the estimate is a lower bound of the largest distance, whatever the distance. */
    @ParameterizedTest
    @ValueSource(doubles = {0.01, 1, 1000})
    void growsToTheDistanceFromTheSolution(double unit) {
        double[] start = new double[3];
        for (int i = 0; i < 3; i++) {
            start[i] = SOLUTION[i] + unit * (START[i] - SOLUTION[i]);
        }
        Training training = new Training(new Prodigy(settings()), start);
        double last = 0;
        for (int k = 0; k < 2000; k++) {
            double estimate = training.step(ProdigyTest::loss, ProdigyTest::gradient).stepSize();
            assertTrue(estimate >= last, "from " + last + " to " + estimate);
            assertTrue(estimate <= unit * DISTANCE, estimate + " is beyond the solution");
            last = estimate;
        }
        assertTrue(last > unit * DISTANCE / 10, last + " is far from " + unit * DISTANCE);
    }

    @Test
    void staysWhereTheGradientVanishes() {
        Training training = new Training(new Prodigy(settings()), SOLUTION);
        assertEquals(Outcome.NO_DESCENT, training.step(ProdigyTest::loss, ProdigyTest::gradient).outcome());
        for (int i = 0; i < 3; i++) {
            assertEquals(SOLUTION[i], training.parameters[i]);
        }
    }

    @Test
    void leavesOutAGradientWhoseSquareOverflows() {
        Training reference = new Training(new Prodigy(settings()), START);
        Training disturbed = new Training(new Prodigy(settings()), START);
        for (int k = 0; k < 20; k++) {
            reference.step(ProdigyTest::loss, ProdigyTest::gradient);
            Step step = disturbed.step(ProdigyTest::loss, x -> new double[]{1e200, 0, 0});
            assertEquals(Outcome.NOT_FINITE, step.outcome());
            disturbed.step(ProdigyTest::loss, ProdigyTest::gradient);
            for (int i = 0; i < 3; i++) {
                assertEquals(reference.parameters[i], disturbed.parameters[i]);
            }
        }
    }
}
