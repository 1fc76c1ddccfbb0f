package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Schedule-free averaging against its equations, with x, y and z kept apart. */
class ScheduleFreeTest {

    private static final double[] START = {1, -2, 3};
    private static final double[] SOLUTION = {0.5, 0.25, -1};

    /** A function with curvatures 1, 3 and 10. */
    private static double loss(double[] y) {
        double sum = 0;
        for (int i = 0; i < y.length; i++) {
            sum += curvature(i) / 2 * Math.pow(y[i] - SOLUTION[i], 2);
        }
        return sum;
    }

    private static double[] gradient(double[] y) {
        double[] gradient = new double[y.length];
        for (int i = 0; i < y.length; i++) {
            gradient[i] = curvature(i) * (y[i] - SOLUTION[i]);
        }
        return gradient;
    }

    private static double curvature(int i) {
        return i == 0 ? 1 : i == 1 ? 3 : 10;
    }

    private static double[] average(ScheduleFree rule, Training training) {
        ArrayVector copy = new ArrayVector(training.parameters.clone());
        rule.average(copy, training::memory);
        return copy.values;
    }

    /** In a training of 400 iterations whose length is known, or not; every tenth batch has half as many examples. */
    @ParameterizedTest
    @CsvSource({"0.9, false, 0", "0.9, true, 0", "0.7, true, 0.01"})
    void followsTheEquations(double beta, boolean decays, double weightDecay) {
        double r = 0.05;
        int warmUp = 20;
        ScheduleFree rule = new ScheduleFree(r, beta, warmUp, weightDecay);
        Training training = new Training(rule, START);
        training.batchesPerEpoch = 2;
        double[] x = START.clone();
        double[] y = START.clone();
        double[] z = START.clone();
        double sum = 0;
        for (int t = 1; t <= 400; t++) {
            training.epochs = t / 40;
            training.decay = decays ? 1 - (t - 1) / 400.0 : 1;
            training.share = t % 10 == 0 ? 0.5 : 1;
            double w = Math.min(1, t / (double) warmUp);
            double e = Math.min(1, 4 * training.decay);
            sum += w * w * Math.sqrt(t);
            double[] g = gradient(y);
            double k = t % 8 == 0 ? 8 * Math.min(0.1, weightDecay * training.epochs) : 0;
            for (int i = 0; i < 3; i++) {
                z[i] -= r * w * e * training.share * (g[i] + k * y[i]);
                x[i] += w * w * Math.sqrt(t) / sum * (z[i] - x[i]);
                y[i] = x[i] + (1 - beta) * e * (z[i] - x[i]);
            }
            Step step = training.step(ScheduleFreeTest::loss, ScheduleFreeTest::gradient);
            assertEquals(r * w * e * training.share, step.learningRate(), 1e-15);
            assertEquals(0, training.evaluations);
            double[] average = average(rule, training);
            for (int i = 0; i < 3; i++) {
                assertEquals(y[i], training.parameters[i], 1e-12, "y, iteration " + t);
                assertEquals(x[i], average[i], 1e-12, "x, iteration " + t);
            }
        }
    }

    /** What a user who knows the length takes in the end is the average itself. */
    @Test
    void theParametersEndAtTheAverage() {
        ScheduleFree rule = new ScheduleFree(0.05, 0.9, 1, 0);
        Training training = new Training(rule, START);
        double apart = 0;
        for (int t = 0; t < 1000; t++) {
            training.decay = 1 - t / 1000.0;
            training.step(ScheduleFreeTest::loss, ScheduleFreeTest::gradient);
            if (t == 10) {
                apart = new ArrayVector(average(rule, training)).distance(new ArrayVector(training.parameters));
            }
        }
        double end = new ArrayVector(average(rule, training)).distance(new ArrayVector(training.parameters));
        assertTrue(apart > 1e-3 && end < 1e-4 * apart, apart + ", " + end);
        assertTrue(loss(training.parameters) < 1e-3 * loss(START), "it trains: " + loss(training.parameters));
    }
}
