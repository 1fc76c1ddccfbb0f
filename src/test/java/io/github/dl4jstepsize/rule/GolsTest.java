package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Random;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class GolsTest {

    private static final double GROWTH = 2;
    private static final double[] CURVATURES = {3, 0.5, 7};

    private static Gols gols(double initialStep, double c2, double momentum) {
        return gols(initialStep, 1e-8, c2, 0, momentum);
    }

    private static Gols gols(double initialStep, double minStep, double c2, double overshoot, double momentum) {
        Gols.Settings settings = new Gols.Settings();
        settings.initialStep = initialStep;
        settings.minStep = minStep;
        settings.maxStep = 1e7;
        settings.growth = GROWTH;
        settings.c2 = c2;
        settings.overshoot = overshoot;
        settings.momentum = momentum;
        return new Gols(settings);
    }

    private static double[] gradient(double[] x) {
        double[] g = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            g[i] = CURVATURES[i] * x[i];
        }
        return g;
    }

    private static double quadratic(double[] x) {
        return new ArrayVector(x).dot(new ArrayVector(gradient(x))) / 2;
    }

    /** Step to the exact minimum along the gradient. */
    private static double minimiser(double[] x) {
        ArrayVector g = new ArrayVector(gradient(x));
        return g.dot(g) / g.dot(new ArrayVector(gradient(g.values)));
    }

    /** Steps of the search end within a factor of the line's minimiser, from far below and from far above. */
    @ParameterizedTest
    @ValueSource(doubles = {1e-6, 1e-3, 0.1, 0.9})
    void endsWithinAFactorOfTheMinimiserOfAQuadratic(double initialStep) {
        // |d| < 1, so that 1/|d| does not cut the step; c2 = 0 takes no first point unseen.
        double[] start = {0.1, -0.05, 0.04};
        double minimiser = minimiser(start);
        Training training = new Training(gols(initialStep, 0, 0), start);
        assertEquals(Outcome.WALKED, training.step(GolsTest::quadratic, GolsTest::gradient).outcome());
        double accepted = initialStep;
        int batches = 0;
        for (Step step = null; step == null || step.outcome() == Outcome.WALKED; batches++) {
            double[] before = training.parameters.clone();
            step = training.step(GolsTest::quadratic, GolsTest::gradient);
            if (step.outcome() == Outcome.WALKED) {
                accepted = step.stepSize();
                double[] g = gradient(start);
                for (int i = 0; i < g.length; i++) {
                    assertEquals(start[i] - accepted * g[i], training.parameters[i], 1e-12, "the parameters walk along");
                }
            } else {
                assertEquals(0, training.evaluations);
                double[] g = gradient(start);
                assertEquals(start[0] - accepted * g[0], before[0], 1e-12);
            }
        }
        assertTrue(accepted >= minimiser / GROWTH && accepted <= minimiser * GROWTH,
                accepted + " against the minimiser " + minimiser);
        assertTrue(batches <= 2 + Math.abs(Math.log(minimiser / initialStep) / Math.log(GROWTH)) + 1, batches + " batches");
    }

    /** On mini-batches the directional derivative is noisy; lines still end near the minimiser of the expected loss. */
    @Test
    void endsWithinAFactorOfTheMinimiserOfANoisyQuadratic() {
        int lines = 0;
        int within = 0;
        for (int seed = 0; seed < 200; seed++) {
            Random random = new Random(seed);
            double[] start = {0.1, -0.05, 0.04};
            Training training = new Training(gols(0.001, 0, 0), start);
            double noise = 0.02 * new ArrayVector(gradient(start)).norm();
            double accepted = Double.NaN;
            // The line itself is the first batch's gradient, so that the minimiser is that of a noisy direction.
            ArrayVector line = new ArrayVector(new double[3]);
            Step step = null;
            for (boolean first = true; first || step.outcome() == Outcome.WALKED; first = false) {
                boolean isFirst = first;
                step = training.step(GolsTest::quadratic, x -> {
                    double[] g = gradient(x);
                    for (int i = 0; i < g.length; i++) {
                        g[i] += noise * random.nextGaussian();
                    }
                    if (isFirst) {
                        line.assign(new ArrayVector(g));
                    }
                    return g;
                });
                if (step.outcome() == Outcome.WALKED) {
                    accepted = step.stepSize();
                }
            }
            double minimiser = line.dot(new ArrayVector(gradient(start))) / line.dot(new ArrayVector(gradient(line.values)));
            lines++;
            if (accepted >= minimiser / GROWTH && accepted <= minimiser * GROWTH) {
                within++;
            }
        }
        assertTrue(within >= 0.95 * lines, within + " of " + lines + " lines ended within a factor " + GROWTH);
    }

    @Test
    void takesAFirstPointThatRisesGently() {
        Training training = new Training(gols(0.6, 0.9, 0), 0.5);
        // f = x^2/2: a step of 1 is exact, 1.2 overshoots by a slope of 0.2 |F'(0)|.
        Training over = new Training(gols(1.2, 1e-8, 0.9, 0, 0), 0.5);
        over.step(x -> x[0] * x[0] / 2, x -> x.clone());
        assertEquals(0.5 - 1.2 * 0.5, over.parameters[0], 1e-12);
        assertEquals(Outcome.NEXT_LINE, over.step(x -> x[0] * x[0] / 2, x -> x.clone()).outcome());
        // 1.95 overshoots by 0.95 |F'(0)| and is halved.
        Training far = new Training(gols(1.95, 1e-8, 0.9, 0, 0), 0.5);
        far.step(x -> x[0] * x[0] / 2, x -> x.clone());
        Step step = far.step(x -> x[0] * x[0] / 2, x -> x.clone());
        assertEquals(Outcome.WALKED, step.outcome());
        assertEquals(1.95 / 2, step.stepSize());
        assertEquals(0.5 - 1.95 / 2 * 0.5, far.parameters[0], 1e-12);
        // 0.6 falls short and is doubled.
        training.step(x -> x[0] * x[0] / 2, x -> x.clone());
        assertEquals(1.2, training.step(x -> x[0] * x[0] / 2, x -> x.clone()).stepSize());
    }

    /** f = x^2/2: the loss rises at a step s by s - 1 of the slope at 0. */
    @Test
    void shrinksUntilItRisesAsGentlyAsTheOvershootAllows() {
        for (double overshoot : new double[]{0, 0.9}) {
            Training training = new Training(gols(3.6, 1e-8, 0, overshoot, 0), 0.2);
            training.step(x -> x[0] * x[0] / 2, x -> x.clone());
            assertEquals(1.8, training.step(x -> x[0] * x[0] / 2, x -> x.clone()).stepSize());
            Step step = training.step(x -> x[0] * x[0] / 2, x -> x.clone());
            assertEquals(overshoot > 0.8 ? Outcome.NEXT_LINE : Outcome.WALKED, step.outcome());
            assertEquals(overshoot > 0.8 ? 1.8 : 0.9, step.stepSize());
        }
    }

    /** A batch with nothing to learn, of masked or dead outputs, in the middle of a line, at its first point or at its end. */
    @ParameterizedTest
    @CsvSource({"0, 0", "0, 0.9", "0.9, 0", "0.9, 0.9"})
    void aBatchWithoutAGradientChangesNothing(double c2, double overshoot) {
        for (int empty = 1; empty < 30; empty++) {
            Training training = new Training(gols(1e-3, 1e-8, c2, overshoot, 0.9), 0.1, -0.05, 0.04);
            Training other = new Training(gols(1e-3, 1e-8, c2, overshoot, 0.9), 0.1, -0.05, 0.04);
            for (int t = 0; t < 60; t++) {
                if (t == empty) {
                    Step step = training.step(GolsTest::quadratic, x -> new double[3]);
                    assertEquals(0, step.factor(), "the parameters stay");
                }
                assertEquals(other.step(GolsTest::quadratic, GolsTest::gradient).stepSize(),
                        training.step(GolsTest::quadratic, GolsTest::gradient).stepSize(), "t " + t + ", empty " + empty);
            }
        }
    }

    @Test
    void staysWithinItsBounds() {
        // Falls for ever: ends where the next step were longer than 1/|d|.
        Training falling = new Training(gols(1e-4, 0.9, 0), 0);
        double largest = 0;
        for (int i = 0; i < 60; i++) {
            largest = Math.max(largest, falling.step(x -> -4 * x[0], x -> new double[]{-4}).stepSize());
        }
        assertTrue(largest <= 1.0 / 4 && largest > 1.0 / 4 / GROWTH, largest + " against 1/|d|");
        // Rises whatever the step: ends at the smallest step and goes on.
        Training rising = new Training(gols(1e-4, 1e-6, 0.9, 0, 0), 0);
        double smallest = 1;
        int lines = 0;
        double sign = 1;
        for (int i = 0; i < 60; i++) {
            double slope = sign;
            Step step = rising.step(x -> 0, x -> new double[]{slope});
            smallest = Math.min(smallest, step.stepSize());
            if (step.outcome() == Outcome.NEXT_LINE) {
                lines++;
                sign = 1;
            }
            // The first gradient of a line points one way, all others the other way.
            sign = step.outcome() == Outcome.NEXT_LINE || i == 0 ? -slope : sign;
        }
        assertTrue(smallest >= 1e-6 && smallest < 2e-6, smallest + "");
        assertTrue(lines > 1);
    }

    @Test
    void reachesTheMinimumWithAndWithoutMomentum() {
        for (double momentum : new double[]{0, 0.9}) {
            Training training = new Training(gols(1e-4, 0.9, momentum), 1, -2, 0.3);
            for (int i = 0; i < 300; i++) {
                training.step(GolsTest::quadratic, GolsTest::gradient);
            }
            assertTrue(quadratic(training.parameters) < 1e-6, momentum + ": " + quadratic(training.parameters));
        }
    }

    @Test
    void aMomentumThatPointsUphillIsDropped() {
        Training training = new Training(gols(0.1, 0.9, 0.9), 0);
        training.step(x -> 0, x -> new double[]{1});
        // The loss suddenly rises along the line, by more than c2: shrink once, then the slope is negative and it ends.
        training.step(x -> 0, x -> new double[]{-1});
        double before = training.parameters[0];
        Step step = training.step(x -> 0, x -> new double[]{0.2});
        assertEquals(Outcome.NEXT_LINE, step.outcome());
        assertTrue(training.parameters[0] < before, "moves against the gradient");
    }

    @Test
    void staysWhereTheGradientIsNotFinite() {
        Training training = new Training(gols(0.1, 0.9, 0.9), 1.0);
        training.step(x -> x[0] * x[0], x -> new double[]{2 * x[0]});
        double before = training.parameters[0];
        Step step = training.step(x -> x[0] * x[0], x -> new double[]{Double.NaN});
        assertEquals(Outcome.NOT_FINITE, step.outcome());
        assertEquals(before, training.parameters[0]);
    }
}
