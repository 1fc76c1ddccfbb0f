package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class PlsTest {

    /** Those that there is room for in its state. */
    private static final int OBSERVATIONS = 22;

    /** Sheppard: P(X > 0, Y > 0) = 1/4 + asin(rho)/(2 pi). */
    @Test
    void integratesTheBivariateNormalDistribution() {
        for (double correlation : new double[]{-0.999, -0.5, 0, 0.3, 0.9, 0.9999}) {
            double quadrant = 0.25 + Math.asin(correlation) / (2 * Math.PI);
            assertEquals(quadrant, WolfeConditions.upperStrip(0, 0, Double.POSITIVE_INFINITY, correlation), 1e-12, "" + correlation);
        }
        // Independent variables: the product of P(X > 1) and P(-1 < Y < 1).
        assertEquals(0.15865525393145707 * 0.6826894921370859, WolfeConditions.upperStrip(1, -1, 1, 0), 1e-13);
        assertEquals(0, WolfeConditions.upperStrip(0, 1e6, 2e6, 0.5));
        assertEquals(0.5, WolfeConditions.upperStrip(0, -1e9, 1e9, 0.5), 1e-13);
    }

    @Test
    void theProcessInterpolatesExactObservationsByACubicSpline() {
        double[] times = {0, 1, 3};
        double[] values = {0, -0.7, -0.2};
        double[] slopes = {-1, -0.3, 0.6};
        double[] none = new double[3];
        IntegratedWienerProcess process = new IntegratedWienerProcess(times, values, slopes, none, none);
        for (int i = 0; i < 3; i++) {
            assertEquals(values[i], process.mean(times[i], false), 1e-8);
            assertEquals(slopes[i], process.mean(times[i], true), 1e-8);
            assertEquals(0, process.covariance(times[i], true, times[i], true), 1e-8);
        }
        // Hermite's cubic on [1, 3] in the middle.
        assertEquals((-0.7 - 0.2) / 2 + 2 * (-0.3 - 0.6) / 8, process.mean(2, false), 1e-8);
        // The slope is the mean's derivative.
        assertEquals((process.mean(2.0001, false) - process.mean(1.9999, false)) / 0.0002, process.mean(2, true), 1e-6);
    }

    /** Two observations that say the same. */
    @Test
    void theProcessBearsCloseObservationsWithoutNoise() {
        IntegratedWienerProcess process = new IntegratedWienerProcess(new double[]{0, 1, 1 + 1e-9}, new double[]{0, -0.5, -0.5},
                new double[]{-1, 0, 0}, new double[3], new double[3]);
        assertEquals(-0.5, process.mean(1, false), 1e-3);
        // Hermite's cubic in the middle.
        assertEquals(-0.5 / 2 - 1.0 / 8, process.mean(0.5, false), 1e-3);
    }

    /** With much noise on one observation the mean ignores it and follows the others. */
    @Test
    void theProcessTrustsObservationsByTheirVariance() {
        IntegratedWienerProcess process = new IntegratedWienerProcess(new double[]{0, 1, 2}, new double[]{0, 100, -2},
                new double[]{-1, 100, -1}, new double[]{1e-6, 1e9, 1e-6}, new double[]{1e-6, 1e9, 1e-6});
        assertEquals(-1, process.mean(1, false), 1e-3);
        assertEquals(-1, process.mean(1, true), 1e-3);
    }

    /** A loss and a gradient for any part of a batch. */
    private abstract static class Examples extends ArrayBatch {

        /** The gradient of the training pass, which the step overwrites. */
        ArrayVector measured;
        private boolean inParts;

        private Examples(int size, double... start) {
            super(3, start);
            this.size = size;
        }

        Step step(Pls rule) {
            gradient = new ArrayVector(gradient(0, size));
            direction = gradient;
            measured = new ArrayVector(gradient.values.clone());
            Step step = rule.step(this);
            move(step);
            return step;
        }

        @Override
        public Vector gradient() {
            return inParts ? measured : gradient;
        }

        /** Means over some examples. */
        abstract double loss(int from, int to);

        abstract double[] gradient(int from, int to);

        @Override
        public double loss() {
            return loss(0, size);
        }

        @Override
        public double loss(double step, Vector along) {
            throw new UnsupportedOperationException("PLS looks at gradients only");
        }

        @Override
        public Losses keep() {
            throw new UnsupportedOperationException("PLS keeps nothing");
        }

        @Override
        public void gradients(double step, Vector along, int parts, GradientConsumer consumer) {
            double[] here = parameters.clone();
            if (step != 0) {
                System.arraycopy(displaced(step, along), 0, parameters, 0, parameters.length);
            }
            inParts = true;
            for (int i = 0; i < parts; i++) {
                int from = i * size / parts;
                int to = (i + 1) * size / parts;
                direction.assign(new ArrayVector(gradient(from, to)));
                consumer.accept(to - from, loss(from, to), direction);
            }
            inParts = false;
            direction.assign(measured);
            System.arraycopy(here, 0, parameters, 0, parameters.length);
        }
    }

    private abstract static class OneParameter extends Examples {

        private OneParameter(double start, int size) {
            super(size, start);
        }

        /** Mean over some examples. */
        abstract double slope(int from, int to);

        @Override
        double[] gradient(int from, int to) {
            return new double[]{slope(from, to)};
        }
    }

    /** A parabola x^2/2 around 0, on which every example sees another minimum: far from the start, against noise and steps. */
    private static final class NoisyParabola extends OneParameter {

        private static final double NOISE = 30;
        private static final double START = 20;

        private final Random random = new Random(4);
        private double[] minima;

        private NoisyParabola() {
            super(START, 32);
        }

        @Override
        Step step(Pls rule) {
            minima = random.doubles(size, -NOISE, NOISE).toArray();
            return super.step(rule);
        }

        @Override
        double loss(int from, int to) {
            return Arrays.stream(minima, from, to).map(minimum -> Math.pow(parameters[0] - minimum, 2) / 2).average()
                    .orElseThrow();
        }

        @Override
        double slope(int from, int to) {
            return Arrays.stream(minima, from, to).map(minimum -> parameters[0] - minimum).average().orElseThrow();
        }
    }

    private static Pls rule(boolean asPublished, double initialStep, double momentum) {
        return new Pls(settings(asPublished, initialStep, momentum));
    }

    private static Pls.Settings settings(boolean asPublished, double initialStep, double momentum) {
        Pls.Settings settings = new Pls.Settings();
        settings.c1 = 0.05;
        settings.wolfeThreshold = 0.3;
        settings.initialStep = initialStep;
        settings.targetSlope = 0.5;
        settings.momentum = momentum;
        settings.asPublished = asPublished;
        return settings;
    }

    /** A first line that is given up ends where its posterior mean is lowest, and the next one has longer steps. */
    @Test
    void whatANoisyLineWasWorthIsKept() {
        for (boolean asPublished : new boolean[]{false, true}) {
            Pls rule = rule(asPublished, 1e-5, 0);
            NoisyParabola parabola = new NoisyParabola();
            double farthest = 0;
            for (int t = 0; t < 200; t++) {
                farthest = Math.max(farthest, NoisyParabola.START - parabola.parameters[0]);
                parabola.step(rule);
            }
            double distance = Math.abs(parabola.parameters[0]);
            assertTrue(asPublished ? distance > 0.9 * NoisyParabola.START : distance < 0.5 * NoisyParabola.START,
                    "asPublished " + asPublished + ": " + distance + " from the solution, and was " + farthest
                            + " from the start");
        }
    }

    @Test
    void aMomentumThatPointsUphillIsDropped() {
        for (boolean asPublished : new boolean[]{false, true}) {
            Pls rule = rule(asPublished, 0.1, 0.9);
            NoisyParabola parabola = new NoisyParabola();
            int lines = 0;
            int uphill = 0;
            for (int t = 0; t < 2000; t++) {
                if (parabola.step(rule).outcome() == Outcome.NEXT_LINE) {
                    lines++;
                    uphill += parabola.direction.dot(parabola.measured) < 0 ? 1 : 0;
                }
            }
            assertTrue(lines > 20, lines + " lines");
            assertEquals(asPublished, uphill > 0, uphill + " of " + lines + " lines lead uphill, asPublished " + asPublished);
        }
    }

    /** x = -t: falls by t and rises by 1.2 (t - (1 - exp(-8 t))/8), so that a step of 1 is too long, but leads uphill gently. */
    private static final class SteepThenGentle extends OneParameter {

        private SteepThenGentle() {
            super(0, 4);
        }

        @Override
        double loss(int from, int to) {
            double t = -parameters[0];
            return -t + 1.2 * (t - (1 - Math.exp(-8 * t)) / 8);
        }

        @Override
        double slope(int from, int to) {
            return 1 - 1.2 * (1 - Math.exp(8 * parameters[0]));
        }
    }

    @Test
    void looksNearerWhereTheSlopeDoesNotReachTheTarget() {
        for (boolean asPublished : new boolean[]{false, true}) {
            SteepThenGentle batch = new SteepThenGentle();
            Pls rule = rule(asPublished, 1, 0);
            assertEquals(1, batch.step(rule).factor());
            assertTrue(batch.loss() > 0 && batch.slope(0, 4) > -0.25, "too long a step, and not much of a slope");
            double next = batch.step(rule).stepSize();
            assertTrue(asPublished ? next == 2 : next > 0.3 && next < 1, next + ", asPublished " + asPublished);
        }
    }

    /** curvature x^2/2, where the curvatures of the examples differ: the farther from the minimum, the more noise. */
    private static final class SteepParabola extends OneParameter {

        private static final double CURVATURE = 1e6;

        private SteepParabola() {
            super(1, 4);
        }

        private double curvature(int from, int to) {
            return CURVATURE * Arrays.stream(new double[]{0.5, 0.8, 1.2, 1.5}, from, to).average().orElseThrow();
        }

        @Override
        double loss(int from, int to) {
            return curvature(from, to) * parameters[0] * parameters[0] / 2;
        }

        @Override
        double slope(int from, int to) {
            return curvature(from, to) * parameters[0];
        }
    }

    /** The step that is tried first is ten thousand times as long as the way to the minimum. */
    @ParameterizedTest
    @CsvSource({"0, false", "0.9, false", "0, true", "0.9, true"})
    void stepsThatAreFarTooLongAreTakenBack(double momentum, boolean perExample) {
        for (boolean asPublished : new boolean[]{false, true}) {
            Pls.Settings settings = settings(asPublished, 0.01, momentum);
            settings.perExample = perExample;
            Pls rule = new Pls(settings);
            SteepParabola batch = new SteepParabola();
            for (int t = 0; t < 100; t++) {
                batch.step(rule);
            }
            double distance = Math.abs(batch.parameters[0]);
            assertTrue(asPublished ? distance > 100 : distance < 0.1, distance + ", asPublished " + asPublished);
        }
    }

    /** (x - 3)^2/2, and more by something that is nearly the same for all examples of a batch, but not for those of the next. */
    private static final class UnequalBatches extends OneParameter {

        private final Random random = new Random(4);
        private double more;

        private UnequalBatches() {
            super(0, 32);
        }

        @Override
        Step step(Pls rule) {
            more = 100 * random.nextDouble();
            return super.step(rule);
        }

        @Override
        double loss(int from, int to) {
            return Math.pow(parameters[0] - 3, 2) / 2 + more + from / 100.0;
        }

        @Override
        double slope(int from, int to) {
            return parameters[0] - 3 + from / 100.0;
        }
    }

    /** A loss that is higher because the batch is another one is not the step's fault. */
    @Test
    void batchesThatAreMoreDifficultThanOthersDoNotShortenTheSteps() {
        Pls rule = rule(false, 0.01, 0.9);
        UnequalBatches batch = new UnequalBatches();
        double longest = 0;
        for (int t = 0; t < 1000; t++) {
            double before = batch.parameters[0];
            batch.step(rule);
            longest = t < 900 ? 0 : Math.max(longest, Math.abs(batch.parameters[0] - before));
        }
        assertTrue(longest > 1e-3, "the longest of the last hundred steps is " + longest);
    }

    /** x^2/2, or more for x < 0; the same for all examples. */
    private static final class Parabola extends OneParameter {

        private final double left;

        private Parabola(double start, double left) {
            super(start, 4);
            this.left = left;
        }

        @Override
        double loss(int from, int to) {
            return slope(from, to) * parameters[0] / 2;
        }

        @Override
        double slope(int from, int to) {
            return (parameters[0] < 0 ? left : 1) * parameters[0];
        }
    }

    /** A line whose momentum was dropped is that of a training which begins there. */
    @Test
    void aLineWithoutItsMomentumIsAFirstLine() {
        Pls rule = rule(false, 1.2, 0.9);
        Parabola parabola = new Parabola(1, 3);
        parabola.step(rule);
        assertEquals(-0.2, parabola.parameters[0], 1e-12, "beyond the minimum, where 0.9 d + g leads uphill");
        Pls fresh = rule(false, 1.2, 0.9);
        Parabola begun = new Parabola(parabola.parameters[0], 3);
        assertEquals(Outcome.NEXT_LINE, parabola.step(rule).outcome());
        begun.step(fresh);
        for (int t = 0; t < 10; t++) {
            assertEquals(begun.parameters[0], parabola.parameters[0], 1e-12, "step " + t);
            parabola.step(rule);
            begun.step(fresh);
        }
    }

    /** (x + y)^4, of which the examples also see the slope +-noise across the line that the mean leads along. */
    private static final class NoiseAcrossTheLine extends Examples {

        private final double noise;

        private NoiseAcrossTheLine(double noise) {
            super(4, 1, 1);
            this.noise = noise;
        }

        @Override
        double loss(int from, int to) {
            return Math.pow(parameters[0] + parameters[1], 4);
        }

        @Override
        double[] gradient(int from, int to) {
            double mean = 4 * Math.pow(parameters[0] + parameters[1], 3);
            double across = noise * IntStream.range(from, to).map(i -> i % 2 == 0 ? 1 : -1).average().orElseThrow();
            return new double[]{mean + across, mean - across};
        }
    }

    /** Gradients that differ do not make the slope along a line uncertain if they do not differ along it. */
    @Test
    void onlyTheNoiseAlongTheLineCounts() {
        NoiseAcrossTheLine quiet = new NoiseAcrossTheLine(0);
        NoiseAcrossTheLine noisy = new NoiseAcrossTheLine(1000);
        Pls quietRule = rule(false, 0.001, 0.9);
        Pls noisyRule = rule(false, 0.001, 0.9);
        for (int t = 0; t < 50; t++) {
            quiet.step(quietRule);
            noisy.step(noisyRule);
            assertArrayEquals(quiet.parameters, noisy.parameters, 1e-9, "step " + t);
        }
        assertTrue(quiet.loss() < 0.1, quiet.loss() + "");
    }

    /** (x^2 + 4 y^2)/2 around another minimum for each of five examples, which are four parts. */
    private static final class NoisyValley extends Examples {

        private static final int EXAMPLES = 5;

        private final Random random = new Random(5);
        private double[] minima;

        private NoisyValley() {
            super(EXAMPLES, 20, 10);
        }

        @Override
        Step step(Pls rule) {
            minima = random.doubles(2 * EXAMPLES, -3, 3).toArray();
            return super.step(rule);
        }

        @Override
        double loss(int from, int to) {
            return IntStream.range(from, to).mapToDouble(i -> Math.pow(parameters[0] - minima[2 * i], 2) / 2
                    + 2 * Math.pow(parameters[1] - minima[2 * i + 1], 2)).average().orElseThrow();
        }

        @Override
        double[] gradient(int from, int to) {
            return new double[]{
                    IntStream.range(from, to).mapToDouble(i -> parameters[0] - minima[2 * i]).average().orElseThrow(),
                    IntStream.range(from, to).mapToDouble(i -> 4 * (parameters[1] - minima[2 * i + 1])).average().orElseThrow()};
        }

        /** Of the batch's slope along a line, by its four parts of one, one, one and two examples. */
        private double slopeVariance(ArrayVector line) {
            double mean = new ArrayVector(gradient(0, EXAMPLES)).dot(line);
            double sum = 0;
            for (int i = 0; i < 4; i++) {
                int to = i == 3 ? EXAMPLES : i + 1;
                sum += (to - i) * Math.pow(new ArrayVector(gradient(i, to)).dot(line) - mean, 2);
            }
            return sum / 3 / EXAMPLES;
        }
    }

    /** With momentum, and a decay that takes back half of each line. */
    @Test
    void aNewLineBeginsWhereTheDecayedOneEnds() {
        Pls rule = rule(false, 0.01, 0.9);
        NoisyValley valley = new NoisyValley();
        valley.decay = 0.5;
        ArrayVector line = (ArrayVector) valley.memory(0);
        int lines = 0;
        double reached = 0;
        for (int t = 0; t < 300; t++) {
            double[] place = valley.parameters.clone();
            ArrayVector last = new ArrayVector(line.values.clone());
            Step step = valley.step(rule);
            if (step.outcome() == Outcome.NEXT_LINE && t > 0) {
                ArrayVector next = new ArrayVector(valley.measured.values.clone());
                boolean uphill = 0.9 * next.dot(last) + next.dot(next) < 0;
                next.add(uphill ? 0 : 0.9, last);
                assertArrayEquals(next.values, line.values, 1e-12 * next.norm(), "step " + t);
                ArrayVector expected = new ArrayVector(place);
                expected.add(0.5 * reached, last);
                expected.add(-step.stepSize(), next);
                assertArrayEquals(expected.values, valley.parameters, 1e-9, "step " + t);
                lines++;
            } else if (t > 0) {
                assertArrayEquals(last.values, line.values, "step " + t);
            }
            reached = t == 0 ? step.factor() : step.stepSize();
        }
        assertTrue(lines > 20, lines + " lines");
    }

    @Test
    void theSlopesVarianceIsThatOfItsParts() {
        Pls rule = rule(false, 0.01, 0.9);
        NoisyValley valley = new NoisyValley();
        ArrayVector line = (ArrayVector) valley.memory(0);
        int lines = 0;
        for (int t = 0; t < 300; t++) {
            double[] place = valley.parameters.clone();
            if (valley.step(rule).outcome() == Outcome.NEXT_LINE) {
                double[] moved = valley.parameters.clone();
                System.arraycopy(place, 0, valley.parameters, 0, place.length);
                double slope = valley.measured.dot(line);
                assertEquals(valley.slopeVariance(line) / slope / slope, slopeVarianceAtTheStart(rule), 1e-9, "step " + t);
                System.arraycopy(moved, 0, valley.parameters, 0, moved.length);
                lines++;
            }
        }
        assertTrue(lines > 20, lines + " lines");
    }

    /** The first of the last of its state. */
    private static double slopeVarianceAtTheStart(Pls rule) {
        List<Double> state = new ArrayList<>();
        rule.state(value -> {
            state.add(value);
            return value;
        });
        return state.get(state.size() - OBSERVATIONS);
    }

    /** x = 1 - 3t: the slope is 2 times that at the start, too steep, at t = 1, the target slope at 1/2, and 0 at 1/3. */
    @Test
    void looksWhereTheSlopeReachesTheTarget() {
        Parabola parabola = new Parabola(1, 1);
        Pls rule = rule(false, 3, 0);
        parabola.step(rule);
        assertEquals(1.5, parabola.step(rule).stepSize(), 1e-6);
    }

    @Test
    void theFirstDirectionIsTheGradient() {
        for (boolean perExample : new boolean[]{false, true}) {
            Pls.Settings settings = settings(false, 0.01, 0.9);
            settings.perExample = perExample;
            Parabola parabola = new Parabola(1, 1);
            parabola.step(new Pls(settings));
            assertEquals(0.99, parabola.parameters[0], 1e-12, "per example: " + perExample);
        }
    }

    /** Where the loss is infinite beyond a tenth of the first step. */
    @Test
    void aFirstPointThatIsNotFiniteIsNotTriedForEver() {
        Pls.Settings settings = settings(false, 1, 0);
        settings.perExample = true;
        Pls rule = new Pls(settings);
        OneParameter cliff = new OneParameter(1, 4) {
            @Override
            double loss(int from, int to) {
                return parameters[0] < 0.9 ? Double.POSITIVE_INFINITY : parameters[0];
            }

            @Override
            double slope(int from, int to) {
                return 1;
            }
        };
        assertEquals(Outcome.NOT_FINITE, cliff.step(rule).outcome());
        for (int t = 0; t < 10; t++) {
            cliff.step(rule);
        }
        assertTrue(cliff.parameters[0] < 1 && cliff.parameters[0] >= 0.9, cliff.parameters[0] + "");
    }

    /** Observations without noise come close to each other near the minima of a line. */
    @Test
    void survivesATrainingWithoutNoise() {
        for (double start = -2; start <= 2; start += 0.1) {
            Pls rule = rule(false, 0.01, 0.9);
            OneParameter waves = new OneParameter(start, 4) {
                @Override
                double loss(int from, int to) {
                    return parameters[0] * parameters[0] / 2 + Math.sin(3 * parameters[0]);
                }

                @Override
                double slope(int from, int to) {
                    return parameters[0] + 3 * Math.cos(3 * parameters[0]);
                }
            };
            double before = waves.loss();
            for (int t = 0; t < 300; t++) {
                waves.step(rule);
            }
            assertTrue(waves.loss() <= before + 1e-9, "from " + start + " to " + waves.parameters[0]);
        }
    }

    /** An epoch's last batch may have a single example; a training of such batches would never begin. */
    @Test
    void refusesBatchesOfOneExample() {
        Pls rule = rule(false, 0.01, 0.9);
        OneParameter parabola = new OneParameter(1, 4) {
            @Override
            double loss(int from, int to) {
                return parameters[0] * parameters[0] / 2;
            }

            @Override
            double slope(int from, int to) {
                return parameters[0];
            }
        };
        parabola.step(rule);
        parabola.size = 1;
        assertEquals(Outcome.TOO_FEW_EXAMPLES, parabola.step(rule).outcome());
        parabola.size = 4;
        parabola.step(rule);
        parabola.size = 1;
        parabola.step(rule);
        String message = assertThrows(IllegalStateException.class, () -> parabola.step(rule)).getMessage();
        assertTrue(message.contains("batches of two or more"), message);
    }
}
