package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

class MomoTest {

    /** What is left at the solution. */
    private static final double OFFSET = 0.2;
    private static final double LOWER_BOUND = 0.1;

    private static final boolean ADAM = true;
    private static final boolean MOMENTUM = false;

    private static Momo momo(boolean adam, double maxStep) {
        Momo.Settings settings = new Momo.Settings();
        settings.adam = adam;
        settings.maxStep = maxStep;
        settings.beta1 = 0.9;
        settings.lowerBound = LOWER_BOUND;
        return new Momo(settings);
    }

    private static Training training(boolean adam, double maxStep) {
        Training training = new Training(momo(adam, maxStep), Bowl.START);
        if (adam) {
            training.base = new Adam(0.9, 0.999, 1e-8);
        }
        return training;
    }

    private static double loss(double[] x) {
        return OFFSET + Bowl.loss(x);
    }

    private static double dot(double[] x, double[] y) {
        return x[0] * y[0] + x[1] * y[1] + x[2] * y[2];
    }

    /** Algorithm 3 (MoMo-Adam) of the paper, with every inner product, while the steps decay. */
    @ParameterizedTest
    @ValueSource(doubles = {0.01, 0.1, 100})
    void followsThePapersAlgorithmForAdam(double maxStep) {
        double[] x = Bowl.START.clone();
        Training training = training(ADAM, maxStep);
        double[] d = new double[3];
        double[] v = new double[3];
        double gamma = 0;
        double averageLoss = 0;
        for (int t = 1; t <= 40; t++) {
            double[] g = Bowl.gradient(x);
            double rho = 1 - Math.pow(0.9, t);
            double[] preconditioned = new double[3];
            for (int i = 0; i < 3; i++) {
                d[i] = 0.9 * d[i] + 0.1 * g[i];
                v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
                preconditioned[i] = d[i] / (1e-8 + Math.sqrt(v[i] / (1 - Math.pow(0.999, t))));
            }
            gamma = 0.9 * gamma + 0.1 * dot(g, x);
            averageLoss = 0.9 * averageLoss + 0.1 * loss(x);
            double excess = averageLoss + dot(d, x) - gamma - rho * LOWER_BOUND;
            double cap = maxStep / rho;
            double tau = Math.min(cap, Math.max(excess, 0) / dot(d, preconditioned));
            training.decay = t < 20 ? 1 : 0.5;
            for (int i = 0; i < 3; i++) {
                x[i] -= training.decay * tau * preconditioned[i];
            }
            assertStep(training, tau * rho, tau == cap, x);
        }
    }

    /** Algorithm 2 (MoMo) of the paper, without bias correction. */
    @ParameterizedTest
    @ValueSource(doubles = {0.01, 1, 100})
    void followsThePapersAlgorithmForMomentum(double maxStep) {
        double[] x = Bowl.START.clone();
        Training training = training(MOMENTUM, maxStep);
        double[] d = Bowl.gradient(x);
        double gamma = dot(d, x);
        double averageLoss = loss(x);
        for (int t = 1; t <= 40; t++) {
            double[] g = Bowl.gradient(x);
            averageLoss = 0.1 * loss(x) + 0.9 * averageLoss;
            gamma = 0.1 * dot(g, x) + 0.9 * gamma;
            for (int i = 0; i < 3; i++) {
                d[i] = 0.1 * g[i] + 0.9 * d[i];
            }
            double excess = averageLoss + dot(d, x) - gamma - LOWER_BOUND;
            double tau = Math.min(maxStep, Math.max(excess, 0) / dot(d, d));
            training.decay = t < 20 ? 1 : 0.5;
            for (int i = 0; i < 3; i++) {
                x[i] -= training.decay * tau * d[i];
            }
            assertStep(training, tau, tau == maxStep, x);
        }
    }

    private static void assertStep(Training training, double rate, boolean capped, double[] expected) {
        Step step = training.step(MomoTest::loss, Bowl::gradient);
        assertEquals(capped ? Outcome.MAXIMUM_STEP : Outcome.LINEARIZED, step.outcome());
        assertEquals(1, step.stepSize() / rate, 1e-12);
        assertEquals(1, step.learningRate() / (training.decay * rate), 1e-12);
        assertEquals(0, training.evaluations);
        for (int i = 0; i < 3; i++) {
            assertEquals(expected[i], training.parameters[i], 1e-12);
        }
    }

    /** One linear model with its minimum value at the bound: the step ends there. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theFirstStepTakesTheLinearisedLossToItsBound(boolean adam) {
        Training training = training(adam, 1e6);
        training.step(MomoTest::loss, Bowl::gradient);
        double[] moved = {Bowl.START[0] - training.parameters[0], Bowl.START[1] - training.parameters[1],
                Bowl.START[2] - training.parameters[2]};
        assertEquals(LOWER_BOUND, loss(Bowl.START) - dot(Bowl.gradient(Bowl.START), moved), 1e-12);
    }

    @Test
    void refusesALossBelowItsBoundAndNamesIt() {
        Training training = training(ADAM, 0.01);
        training.step(x -> LOWER_BOUND - 1e-7, Bowl::gradient);
        IllegalStateException thrown = assertThrows(IllegalStateException.class,
                () -> training.step(x -> 0.05, Bowl::gradient));
        assertTrue(thrown.getMessage().contains("0.05"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("a function"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("lowerBound"), thrown.getMessage());
        assertTrue(thrown.getMessage().contains("" + LOWER_BOUND), thrown.getMessage());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void staysWhereTheGradientVanishes(boolean adam) {
        Training training = training(adam, 0.01);
        Step step = training.step(MomoTest::loss, x -> new double[3]);
        assertEquals(Outcome.NO_DESCENT, step.outcome());
        assertEquals(0, dot(Bowl.START, Bowl.START) - dot(training.parameters, training.parameters));
    }

    /** A direction that something else has turned around, as weight decay can. */
    @Test
    void staysWhereTheDirectionAscends() {
        Training training = new Training(momo(ADAM, 0.01), Bowl.START);
        training.turnDirection = true;
        assertEquals(Outcome.NO_DESCENT, training.step(MomoTest::loss, Bowl::gradient).outcome());
        assertEquals(0, dot(Bowl.START, Bowl.START) - dot(training.parameters, training.parameters));
    }
}
