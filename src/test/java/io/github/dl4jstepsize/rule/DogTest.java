package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class DogTest {

    private static double distance(double[] x, double[] y) {
        double squares = 0;
        for (int i = 0; i < x.length; i++) {
            squares += (x[i] - y[i]) * (x[i] - y[i]);
        }
        return Math.sqrt(squares);
    }

    /** The paper's equations (DoG), word for word. */
    @Test
    void followsThePapersFormulas() {
        double[] x = Bowl.START.clone();
        Training training = new Training(new Dog(1e-6, 1e-8), x);
        double farthest = 1e-6 * (1 + distance(Bowl.START, new double[3]));
        double squares = 0;
        for (int t = 0; t < 200; t++) {
            double[] g = Bowl.gradient(x);
            farthest = Math.max(farthest, distance(x, Bowl.START));
            squares += g[0] * g[0] + g[1] * g[1] + g[2] * g[2];
            double rate = farthest / Math.sqrt(squares + 1e-8);
            for (int i = 0; i < 3; i++) {
                x[i] -= rate * g[i];
            }
            Step step = training.step(Bowl::loss, Bowl::gradient);
            assertEquals(Outcome.ESTIMATED, step.outcome());
            assertEquals(rate, step.learningRate(), 1e-12);
            assertEquals(0, training.evaluations);
            for (int i = 0; i < 3; i++) {
                assertEquals(x[i], training.parameters[i], 1e-12);
            }
        }
        assertTrue(distance(x, Bowl.START) > 0.1, "it has left its start");
    }

    /** Exact but for epsilon. */
    @Test
    void isInvariantToTheScaleOfTheLoss() {
        Training one = new Training(new Dog(1e-6, 1e-30), Bowl.START);
        Training thousand = new Training(new Dog(1e-6, 1e-30), Bowl.START);
        for (int t = 0; t < 200; t++) {
            one.step(Bowl::loss, Bowl::gradient);
            thousand.step(x -> 1000 * Bowl.loss(x), x -> {
                double[] g = Bowl.gradient(x);
                return new double[]{1000 * g[0], 1000 * g[1], 1000 * g[2]};
            });
            for (int i = 0; i < 3; i++) {
                assertEquals(one.parameters[i], thousand.parameters[i], 1e-12);
            }
        }
    }

    /** Six orders of magnitude between the first step and the right one. */
    @Test
    void findsTheSolution() {
        Training training = new Training(new Dog(1e-6, 1e-8), Bowl.START);
        for (int t = 0; t < 2000; t++) {
            training.step(Bowl::loss, Bowl::gradient);
        }
        assertEquals(0, distance(Bowl.SOLUTION, training.parameters), 1e-3);
    }

    @Test
    void staysWhereTheGradientVanishes() {
        Training training = new Training(new Dog(1e-6, 1e-8), Bowl.SOLUTION);
        training.step(Bowl::loss, Bowl::gradient);
        assertEquals(0, distance(Bowl.SOLUTION, training.parameters));
    }

    /** The sum of squares forgets nothing: what is infinite there would stop the training for good. */
    @Test
    void leavesOutAGradientWhoseSquareOverflows() {
        Training training = new Training(new Dog(1e-6, 1e-8), Bowl.START);
        assertEquals(Outcome.NOT_FINITE, training.step(Bowl::loss, x -> new double[]{1e200, 0, 0}).outcome());
        assertEquals(0, distance(Bowl.START, training.parameters));
        Step next = training.step(Bowl::loss, Bowl::gradient);
        assertEquals(Outcome.ESTIMATED, next.outcome());
        assertTrue(next.learningRate() > 0);
    }
}
