package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class L4Test {

    private static L4.Settings settings() {
        L4.Settings settings = new L4.Settings();
        settings.adam = false;
        settings.fraction = 0.15;
        settings.minLossFactor = 0.9;
        settings.initFactor = 0.75;
        settings.forgetTime = 1000;
        settings.epsilon = 1e-12;
        settings.gradientTimescale = 10;
        return settings;
    }

    private static double loss(double[] x) {
        return 3 + x[0] * x[0] + 5 * x[1] * x[1];
    }

    private static double[] gradient(double[] x) {
        return new double[]{2 * x[0], 10 * x[1]};
    }

    /** Equations 5 to 7 of the paper, word for word. */
    @Test
    void followsThePapersFormulas() {
        double[] x = {1, -0.7};
        double[] m = new double[2];
        double minLoss = 0;
        Training training = new Training(new L4(settings()), x);
        for (int t = 1; t <= 50; t++) {
            double[] g = gradient(x);
            double[] v = new double[2];
            double product = 0;
            for (int i = 0; i < 2; i++) {
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                v[i] = m[i] / (1 - Math.pow(0.9, t));
                product += v[i] * v[i];
            }
            minLoss = t == 1 ? 0.75 * loss(x) : Math.min(minLoss, loss(x));
            double rate = 0.15 * (loss(x) - 0.9 * minLoss) / (product + 1e-12);
            minLoss *= 1 + 1.0 / 1000;
            Step step = training.step(L4Test::loss, L4Test::gradient);
            assertEquals(rate, step.learningRate(), 1e-9 * rate);
            assertEquals(rate, step.stepSize(), 1e-9 * rate);
            assertEquals(0, training.evaluations);
            for (int i = 0; i < 2; i++) {
                x[i] -= rate * v[i];
                assertEquals(x[i], training.parameters[i], 1e-9);
            }
        }
    }

    /** Section 2.3; exact where epsilon does not matter and the first minimum is not a fraction of the first loss. */
    @Test
    void isInvariantToTheScaleOfTheLoss() {
        Training one = new Training(new L4(settings()), 1, -0.7);
        Training thousand = new Training(new L4(settings()), 1, -0.7);
        for (int t = 0; t < 50; t++) {
            one.step(L4Test::loss, L4Test::gradient);
            thousand.step(x -> 1000 * loss(x), x -> new double[]{2000 * x[0], 10000 * x[1]});
            assertEquals(one.parameters[0], thousand.parameters[0], 1e-9);
            assertEquals(one.parameters[1], thousand.parameters[1], 1e-9);
        }
    }

    @Test
    void rejectsANegativeLossAndNamesIt() {
        Training training = new Training(new L4(settings()), 1);
        IllegalStateException thrown = assertThrows(IllegalStateException.class,
                () -> training.step(x -> -0.25, x -> new double[]{1}));
        assertTrue(thrown.getMessage().contains("-0.25"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("a function"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("constant"), thrown.getMessage());
    }

    @Test
    void aRoundingErrorBelowZeroIsNone() {
        Training training = new Training(new L4(settings()), 1);
        training.step(x -> 1, x -> new double[]{1});
        double before = training.parameters[0];
        Step step = training.step(x -> -1e-7, x -> new double[]{1});
        assertEquals(0, step.stepSize(), 1e-12);
        assertEquals(before, training.parameters[0], 1e-12);
    }

    /** A direction that something else has turned around, as weight decay can. */
    @Test
    void staysWhereTheInnerProductIsNegative() {
        L4.Settings settings = settings();
        settings.adam = true;
        Training training = new Training(new L4(settings), 1);
        training.turnDirection = true;
        Step step = training.step(x -> x[0] * x[0], x -> new double[]{2 * x[0]});
        assertEquals(Outcome.NO_DESCENT, step.outcome());
        assertEquals(1.0, training.parameters[0]);
    }

    @Test
    void staysAtAVanishingGradient() {
        Training training = new Training(new L4(settings()), 0);
        Step step = training.step(x -> 1 + x[0] * x[0], x -> new double[]{2 * x[0]});
        assertTrue(Double.isFinite(step.learningRate()));
        assertEquals(0.0, training.parameters[0]);
    }
}
