package io.github.dl4jstepsize.rule;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class PalTest {

    private static final double[] CURVATURES = {3, 0.5, 7};

    private static double quadratic(double[] x) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += CURVATURES[i] * x[i] * x[i] / 2;
        }
        return sum;
    }

    private static double[] gradient(double[] x) {
        double[] g = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            g[i] = CURVATURES[i] * x[i];
        }
        return g;
    }

    @Test
    void landsInTheMinimumOfAQuadraticTimesItsAdaptation() {
        for (double adaptation : new double[]{1, 0.5, 1.5}) {
            double[] start = {1, -2, 0.3};
            double[] g = gradient(start);
            double gg = 0;
            double gAg = 0;
            for (int i = 0; i < g.length; i++) {
                gg += g[i] * g[i];
                gAg += CURVATURES[i] * g[i] * g[i];
            }
            Training training = new Training(new Pal(0.1, 100, 0, adaptation, true), start);
            Step step = training.step(PalTest::quadratic, PalTest::gradient);
            assertEquals(Outcome.MINIMUM, step.outcome());
            assertEquals(adaptation * gg / gAg, step.learningRate(), 1e-12);
            assertEquals(adaptation * gg / gAg * Math.sqrt(gg), step.stepSize(), 1e-12);
            assertEquals(1, training.evaluations);
        }
    }

    @Test
    void exactSlopeFindsTheMinimumAlongAnOldDirectionAndTheApproximationDoesNot() {
        for (boolean exact : new boolean[]{true, false}) {
            Training training = new Training(new Pal(0.1, 100, 0.6, 1, exact), 1, -2, 0.3);
            training.step(PalTest::quadratic, PalTest::gradient);
            double before = training.parameters[0];
            double[] g = gradient(training.parameters);
            Step step = training.step(PalTest::quadratic, PalTest::gradient);
            double[] d = new double[3];
            double slope = 0;
            // The step went along d = (x_before - x_after) / learning rate; at the line's minimum g_after . d = 0.
            double[] after = gradient(training.parameters);
            for (int i = 0; i < 3; i++) {
                d[i] = (g[i] - after[i]) / CURVATURES[i] / step.learningRate();
                slope += after[i] * d[i];
            }
            assertTrue(before != training.parameters[0]);
            assertEquals(exact, Math.abs(slope) < 1e-9, "exact slope: " + exact + ", slope at the end: " + slope);
        }
    }

    @Test
    void walksTheMeasuredDistanceWhereTheLineFallsWithoutCurvingUp() {
        Step step = new Training(new Pal(0.25, 1, 0, 1, true), 0.5).step(x -> -x[0] * x[0], x -> new double[]{-2 * x[0]});
        assertEquals(Outcome.DOWNHILL, step.outcome());
        assertEquals(0.25, step.stepSize());
    }

    @Test
    void cutsTheStepAtTheMaximum() {
        Step step = new Training(new Pal(0.1, 0.7, 0, 1, true), 5.0).step(x -> x[0] * x[0], x -> new double[]{2 * x[0]});
        assertEquals(Outcome.MAXIMUM_STEP, step.outcome());
        assertEquals(0.7, step.stepSize());
    }

    @Test
    void staysWhereTheGradientVanishes() {
        Training training = new Training(new Pal(0.1, 1, 0.4, 1, true), 0.0);
        Step step = training.step(x -> x[0] * x[0], x -> new double[]{2 * x[0]});
        assertEquals(Outcome.NO_DESCENT, step.outcome());
        assertEquals(0, step.learningRate());
        assertEquals(0, training.evaluations);
    }

    @Test
    void staysWhereTheMomentumPointsUphill() {
        Training training = new Training(new Pal(0.1, 1, 0.9, 1, true), 1.0);
        training.step(x -> 10 * x[0], x -> new double[]{10});
        double[] before = training.parameters.clone();
        Step step = training.step(x -> -x[0], x -> new double[]{-1});
        assertEquals(Outcome.NO_DESCENT, step.outcome());
        assertEquals(before[0], training.parameters[0]);
    }

    @Test
    void staysWhereTheTrialIsNotFinite() {
        for (double bad : new double[]{Double.NaN, Double.POSITIVE_INFINITY}) {
            Training training = new Training(new Pal(0.1, 1, 0.4, 1, true), 1.0);
            Step step = training.step(x -> x[0] == 1 ? 1 : bad, x -> new double[]{1});
            assertEquals(Outcome.NOT_FINITE, step.outcome());
            assertEquals(1.0, training.parameters[0]);
        }
    }

    @Property
    void stepsAreFiniteNotNegativeAndNotAboveTheMaximum(@ForAll("losses") double atStart, @ForAll("losses") double atTrial,
                                                       @ForAll("losses") double gradient,
                                                       @ForAll @DoubleRange(min = 0.01, max = 10) double measuringStep,
                                                       @ForAll @DoubleRange(min = 0.01, max = 10) double maxStep,
                                                       @ForAll @DoubleRange(max = 0.99) double momentum) {
        Training training = new Training(new Pal(measuringStep, maxStep, momentum, 1.5, true), 0.0);
        for (int i = 0; i < 3; i++) {
            double here = training.parameters[0];
            Step step = training.step(x -> x[0] == here ? atStart : atTrial, x -> new double[]{gradient});
            assertTrue(step.stepSize() >= 0 && step.stepSize() <= Math.max(maxStep, 0), step.stepSize() + "");
            assertTrue(Double.isFinite(step.learningRate()) && step.learningRate() >= 0, step.learningRate() + "");
        }
    }

    @Provide
    Arbitrary<Double> losses() {
        return Arbitraries.oneOf(Arbitraries.doubles().between(-1e6, 1e6), Arbitraries.doubles(),
                Arbitraries.of(Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, 0.0));
    }
}
