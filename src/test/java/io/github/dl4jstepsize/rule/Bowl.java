package io.github.dl4jstepsize.rule;

/** The quadratic {@code sum(curvature_i (x_i - solution_i)^2) / 2} in three dimensions, and a point to start from. */
final class Bowl {

    static final double[] SOLUTION = {1, -2, 0.5};
    static final double[] START = {0.2, -0.4, 1.5};

    private static final double[] CURVATURES = {3, 0.5, 7};

    private Bowl() {
    }

    static double loss(double[] x) {
        double loss = 0;
        for (int i = 0; i < x.length; i++) {
            loss += CURVATURES[i] * (x[i] - SOLUTION[i]) * (x[i] - SOLUTION[i]) / 2;
        }
        return loss;
    }

    static double[] gradient(double[] x) {
        double[] g = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            g[i] = CURVATURES[i] * (x[i] - SOLUTION[i]);
        }
        return g;
    }
}
