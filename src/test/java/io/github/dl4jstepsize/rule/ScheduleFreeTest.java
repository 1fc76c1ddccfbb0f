package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** Schedule-free averaging against its equations, with x, y and z kept apart. */
class ScheduleFreeTest {

    private static final double[] START = {1, -2, 3};
    private static final double[] SOLUTION = {0.5, 0.25, -1};
    /** Complete ones before, on other data. */
    private static final int EARLIER_EPOCHS = 7;

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

    /**
     * In a training of 400 iterations whose length is known, or not; every tenth batch has 9 examples, the others 18. With an
     * offset of -3 the loss becomes negative, and with one of 3, or a weight decay, it stays far from 0. Towards the end the
     * loss is larger again, as with other data. Gradients that differ from one batch to the next do not always agree.
     * Parameters may have to stay within a ball.
     */
    @ParameterizedTest
    @CsvSource({"0.9, false, 0, 0, 0, 20, Infinity", "0.9, true, 0, 0, 0, 20, Infinity", "0.7, true, 0.01, 0, 0, 20, Infinity",
        "0.9, false, 0, -3, 0, 20, Infinity", "0.9, false, 0, 3, 0, 20, Infinity", "0.7, true, 0.01, 3, 20, 60, Infinity",
        "0.9, false, 0, 3, 0, 20, 1"})
    void followsTheEquations(double beta, boolean decays, double weightDecay, double offset, double difference, int warmUp,
                             double largestNorm) {
        double r = 0.05 * Math.pow(18 / 32.0, 0.75);
        double beta2 = 0.95;
        ScheduleFree rule = new ScheduleFree(0.05, beta, beta2, warmUp, weightDecay);
        Training training = new Training(rule, START);
        double meanLoss = 0;
        double[] v = new double[3];
        double largest = 0;
        double roots = 0;
        int bounded = 0;
        int weaker = 0;
        int full = 0;
        boolean negative = false;
        training.batchesPerEpoch = 2;
        training.biases = 1;
        training.inputSize = 4;
        training.largestNorm = largestNorm;
        int outside = 0;
        double[] scale = training.weightScale;
        scale[1] = 0.5;
        scale[2] = 0.25;
        double[] x = START.clone();
        double[] y = START.clone();
        double[] z = START.clone();
        double sum = 0;
        double sumByTime = 0;
        double u = 0;
        double path = 0;
        double averageOfPath = 0;
        int agreed = 0;
        int nearly = 0;
        int disagreed = 0;
        for (int t = 1; t <= 400; t++) {
            int epochs = t / 8;
            training.epochs = epochs + EARLIER_EPOCHS;
            training.decay = decays ? 1 - (t - 1) / 400.0 : 1;
            training.nextDecay = decays ? 1 - t / 400.0 : 1;
            training.share = t % 10 == 0 ? 0.5 : 1;
            training.size = t % 10 == 0 ? 9 : 18;
            double e = Math.min(1, 20 * training.decay);
            double next = Math.min(1, 20 * training.nextDecay);
            double ofThisBatch = difference * Math.sin(t * t);
            UnaryOperator<double[]> gradientOfThisBatch = parameters -> {
                double[] gradient = gradient(parameters);
                gradient[0] += ofThisBatch;
                return gradient;
            };
            double[] g = gradientOfThisBatch.apply(y);
            double rise = t > 380 ? 10 : 0;
            ToDoubleFunction<double[]> loss = parameters -> loss(parameters) + offset + rise;
            double unbiased = 1 - Math.pow(beta2, t);
            meanLoss = beta2 * meanLoss + (1 - beta2) * loss.applyAsDouble(y);
            negative |= loss.applyAsDouble(y) < -0.01 * largest;
            double sumOfRoots = 0;
            for (int i = 0; i < 3; i++) {
                v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
                sumOfRoots += scale[i] * Math.sqrt(v[i] / unbiased);
            }
            double mean = meanLoss / unbiased;
            largest = Math.max(largest, mean);
            double f = negative ? 1 : Math.max(1, largest / (100 * mean));
            roots = f > 1 && (roots == 0 || t % 50 == 1) ? sumOfRoots : roots;
            double q = f > 1 ? 16 * mean / roots : r;
            bounded += q < r ? 1 : 0;
            double k = t % 8 == 0 ? 8 * Math.min(0.1, weightDecay * epochs) / 2 : 0;
            boolean learned = !negative && mean < 0.05 * largest;
            k *= learned ? 20 * mean / largest : 1;
            weaker += k > 0 && learned ? 1 : 0;
            full += k > 0 && !learned ? 1 : 0;
            double[] d = new double[3];
            double along = 0;
            double dd = 0;
            for (int i = 0; i < 3; i++) {
                d[i] = scale[i] * g[i] + (i < 2 ? k * y[i] : 0);
                along += d[i] * (x[i] - z[i]);
                dd += d[i] * d[i];
            }
            double agreement = along / dd / (path - averageOfPath);
            boolean agrees = agreement > 0.6;
            agreed += u < 1 && t > 2 && agrees ? 1 : 0;
            nearly += u < 1 && t > 2 && Math.abs(agreement - 0.6) < 0.6 * (1 - beta) ? 1 : 0;
            disagreed += u < 1 && t > 2 && !agrees ? 1 : 0;
            u = Math.min(1, t > 2 && agrees ? 2 * (u + 1.0 / warmUp) : u + 1.0 / warmUp);
            double step = Math.min(r, q) * u * e * training.share;
            double byTime = u * u * Math.sqrt(t);
            sum += byTime * f * f;
            sumByTime += byTime;
            double c = Math.max(byTime / sumByTime, byTime * f * f / sum);
            path += step;
            averageOfPath += c * (path - averageOfPath);
            double norm = 0;
            for (int i = 0; i < 3; i++) {
                z[i] -= step * d[i];
                norm = Math.hypot(norm, z[i]);
            }
            outside += norm > largestNorm ? 1 : 0;
            for (int i = 0; i < 3; i++) {
                z[i] *= Math.min(1, largestNorm / norm);
                x[i] += c * (z[i] - x[i]);
                y[i] = x[i] + (1 - beta) * next * (z[i] - x[i]);
            }
            training.squaredGradient = new ArrayVector(v);
            Step made = training.step(loss, gradientOfThisBatch::apply);
            assertEquals(step, made.learningRate(), 1e-12);
            assertEquals(q < r ? Outcome.LINEARIZED : Outcome.CONSTANT, made.outcome());
            assertEquals(0, training.evaluations);
            double[] average = average(rule, training);
            for (int i = 0; i < 3; i++) {
                assertEquals(y[i], training.parameters[i], 1e-12, "y, iteration " + t);
                assertEquals(x[i], average[i], 1e-12, "x, iteration " + t);
            }
            if (t % 10 == 0) {
                rule.goToAverage(new ArrayVector(training.parameters), training::memory);
                assertArrayEquals(average, training.parameters);
                assertArrayEquals(average, average(rule, training));
                // Where nobody tells that the training goes on, a gradient is taken there.
                boolean goesBack = t % 20 == 0;
                if (goesBack) {
                    rule.leaveAverage(new ArrayVector(training.parameters), training::memory);
                }
                assertArrayEquals(goesBack ? y : x, training.parameters, 1e-12);
                y = training.parameters.clone();
            }
        }
        String counts = agreed + " directions agreed, " + disagreed + " did not, " + nearly + " nearly";
        assertTrue(agreed > 0 && disagreed > 0 == difference > 0 && nearly > 0 == difference > 0, counts);
        assertEquals(largestNorm < Double.POSITIVE_INFINITY, outside > 100, outside + " iterates were outside");
        assertEquals(offset < 0, negative);
        assertEquals(offset == 0, bounded > 0, bounded + " steps were bounded");
        assertEquals(weightDecay > 0, weaker > 0 && full > 0, weaker + " decays were weaker, " + full + " were not");
    }

    /** Who knows less than half is not touched, and nobody stands still; where directions agree, steps get longer. */
    @ParameterizedTest
    @CsvSource({"0.5, 1", "0.4999, 0.24990001", "0.2, 0.04", "0.1, 0.03", "0, 0.03", "NaN, 1", "1.3, 1"})
    void stepsAreShorterForWhatHasBeenTrainedBefore(double ignorance, double expected) {
        ScheduleFree rule = new ScheduleFree(0.05, 0.9, 0.999, 1, 0);
        Training training = new Training(rule, START);
        training.ignorance = ignorance;
        double factor = expected;
        for (int t = 0; t < 6; t++) {
            int sign = t < 5 ? 1 : -1;
            training.squaredGradient = new ArrayVector(1, 1, 1);
            double rate = training.step(parameters -> 1, parameters -> {
                double[] gradient = gradient(START);
                Arrays.setAll(gradient, i -> sign * gradient[i]);
                return gradient;
            }).learningRate();
            // The first two iterates have nothing before them to agree with.
            factor = t > 1 && t < 5 ? Math.min(1, 2 * factor) : factor;
            assertEquals(factor * 0.05, rate, 1e-9, "iteration " + t);
        }
    }

    /** By chance few examples seem to be known. */
    @Test
    void fewExamplesTellNothingOfATrainingBefore() {
        ScheduleFree rule = new ScheduleFree(0.05, 0.9, 0.999, 1, 0);
        assertTrue(rule.asksForIgnorance(16) && !rule.asksForIgnorance(15));
    }

    /** An epoch of one batch has no noise, and after a negative loss 0 is nothing special; nothing begins anew in both. */
    @ParameterizedTest
    @CsvSource({"10, 0, true", "1, 0, false", "10, -1, false", "100, 0, false"})
    void beginsAnewWithMuchLargerLosses(int batchesPerEpoch, double first, boolean expected) {
        ScheduleFree rule = new ScheduleFree(0.05, 0.9, 0.999, 1, 0);
        Training training = new Training(rule, START);
        training.squaredGradient = new ArrayVector(1, 1, 1);
        boolean begun = false;
        for (int t = 0; t < 96; t++) {
            double loss = t == 0 && first < 0 ? first : t < 80 ? 1 : 2;
            begun |= rule.beginsAnew(loss, batchesPerEpoch, 0);
            training.step(parameters -> loss, ScheduleFreeTest::gradient);
        }
        assertEquals(expected, begun);
    }

    /** Where the loss is 0 and there is nothing to learn, and where it is 0 but for a rounding error. */
    @ParameterizedTest
    @ValueSource(doubles = {0, -1e-9})
    void nothingToLearnIsNoFailure(double least) {
        // No memory of losses and gradients.
        ScheduleFree rule = new ScheduleFree(0.05, 0.9, 0, 1, 0);
        Training training = new Training(rule, START);
        training.squaredGradient = new ArrayVector(1, 1, 1);
        training.step(ScheduleFreeTest::loss, ScheduleFreeTest::gradient);
        double[] before = training.parameters.clone();
        training.squaredGradient = new ArrayVector(0, 0, 0);
        for (int t = 0; t < 100; t++) {
            Step step = training.step(parameters -> least, parameters -> new double[3]);
            assertTrue(step.learningRate() >= 0 && step.learningRate() <= 0.05, step.learningRate() + "");
        }
        assertArrayEquals(average(rule, training), training.parameters, 1e-9);
        assertTrue(new ArrayVector(before).distance(new ArrayVector(training.parameters)) < 0.1);
        training.squaredGradient = new ArrayVector(1, 1, 1);
        Step step = training.step(parameters -> least, ScheduleFreeTest::gradient);
        assertEquals(0, step.learningRate(), 1e-15, "a loss of 0 asks for no step");
    }

    /** What a user who knows the length takes in the end is the average itself. */
    @ParameterizedTest
    @ValueSource(ints = {20, 1000})
    void theParametersEndAtTheAverage(int iterations) {
        ScheduleFree rule = new ScheduleFree(0.05, 0.9, 0.999, 1, 0);
        Training training = new Training(rule, START);
        training.squaredGradient = new ArrayVector(1, 1, 1);
        double apart = 0;
        for (double t = 0; t < iterations; t++) {
            training.decay = 1 - t / iterations;
            training.nextDecay = 1 - (t + 1) / iterations;
            training.step(ScheduleFreeTest::loss, ScheduleFreeTest::gradient);
            if (t == 10) {
                apart = new ArrayVector(average(rule, training)).distance(new ArrayVector(training.parameters));
            }
        }
        assertTrue(apart > 1e-3, apart + "");
        assertArrayEquals(average(rule, training), training.parameters);
        double loss = loss(training.parameters);
        assertTrue(iterations < 1000 || loss < 1e-3 * loss(START), "it trains: " + loss);
    }
}
