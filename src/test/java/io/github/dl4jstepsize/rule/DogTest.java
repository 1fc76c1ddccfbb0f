package io.github.dl4jstepsize.rule;

import org.junit.jupiter.api.Test;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

class DogTest {

    private static final double[] CURVATURES = {3, 0.5, 7};
    private static final double[] SOLUTION = {1, -2, 0.5};
    private static final double[] START = {0.2, -0.4, 1.5};

    private static double loss(double[] x) {
        double loss = 0;
        for (int i = 0; i < x.length; i++) {
            loss += CURVATURES[i] * (x[i] - SOLUTION[i]) * (x[i] - SOLUTION[i]) / 2;
        }
        return loss;
    }

    private static double[] gradient(double[] x) {
        double[] g = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            g[i] = CURVATURES[i] * (x[i] - SOLUTION[i]);
        }
        return g;
    }

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
        double[] x = START.clone();
        Training training = new Training(new Dog(1e-6, 1e-8), x);
        double farthest = 1e-6 * (1 + distance(START, new double[3]));
        double squares = 0;
        for (int t = 0; t < 200; t++) {
            double[] g = gradient(x);
            farthest = Math.max(farthest, distance(x, START));
            squares += g[0] * g[0] + g[1] * g[1] + g[2] * g[2];
            double rate = farthest / Math.sqrt(squares + 1e-8);
            for (int i = 0; i < 3; i++) {
                x[i] -= rate * g[i];
            }
            Step step = training.step(DogTest::loss, DogTest::gradient);
            assertEquals(Outcome.ESTIMATED, step.outcome());
            assertEquals(rate, step.learningRate(), 1e-12);
            assertEquals(0, training.evaluations);
            for (int i = 0; i < 3; i++) {
                assertEquals(x[i], training.parameters[i], 1e-12);
            }
        }
        assertTrue(distance(x, START) > 0.1, "it has left its start");
    }

    /** Exact but for epsilon. */
    @Test
    void isInvariantToTheScaleOfTheLoss() {
        Training one = new Training(new Dog(1e-6, 1e-30), START);
        Training thousand = new Training(new Dog(1e-6, 1e-30), START);
        for (int t = 0; t < 200; t++) {
            one.step(DogTest::loss, DogTest::gradient);
            thousand.step(x -> 1000 * loss(x), x -> {
                double[] g = gradient(x);
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
        Training training = new Training(new Dog(1e-6, 1e-8), START);
        for (int t = 0; t < 2000; t++) {
            training.step(DogTest::loss, DogTest::gradient);
        }
        assertEquals(0, distance(SOLUTION, training.parameters), 1e-3);
    }

    @Test
    void staysWhereTheGradientVanishes() {
        Training training = new Training(new Dog(1e-6, 1e-8), SOLUTION);
        training.step(DogTest::loss, DogTest::gradient);
        assertEquals(0, distance(SOLUTION, training.parameters));
    }

    /** The sum of squares forgets nothing: what is infinite there would stop the training for good. */
    @Test
    void leavesOutAGradientWhoseSquareOverflows() {
        Training training = new Training(new Dog(1e-6, 1e-8), START);
        assertEquals(Outcome.NOT_FINITE, training.step(DogTest::loss, x -> new double[]{1e200, 0, 0}).outcome());
        assertEquals(0, distance(START, training.parameters));
        Step next = training.step(DogTest::loss, DogTest::gradient);
        assertEquals(Outcome.ESTIMATED, next.outcome());
        assertTrue(next.learningRate() > 0);
    }
}
