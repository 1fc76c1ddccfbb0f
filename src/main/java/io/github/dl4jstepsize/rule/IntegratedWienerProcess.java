package io.github.dl4jstepsize.rule;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.DecompositionSolver;
import org.apache.commons.math3.linear.LUDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.RealVector;

/**
 * A Gaussian process over functions of one variable t &gt;= 0 whose prior is an integrated Wiener process started at
 * {@code -offset}, observed with noise in value and slope. Its posterior mean is a cubic spline.
 * <pre>
 *   Cov[f(s), f(t)] = m^3/3 + |s - t| m^2/2     m = min(s, t) + offset
 * </pre>
 * Source: M. Mahsereci, P. Hennig, "Probabilistic Line Searches for Stochastic Optimization", 2015, section 3.1.
 */
final class IntegratedWienerProcess {

    /** The paper's: far enough from 0 to leave the function free there. */
    private static final double OFFSET = 10;
    /** Keeps the equations solvable where the noise is zero; far below any noise that matters. */
    private static final double SMALLEST_VARIANCE = 1e-12;

    private final double[] times;
    private final DecompositionSolver solver;
    private final RealVector weights;

    /**
     * @param times          where the process was observed
     * @param values         f there
     * @param slopes         f' there
     * @param valueVariances variances of the noise on the values
     * @param slopeVariances variances of the noise on the slopes
     */
    IntegratedWienerProcess(double[] times, double[] values, double[] slopes, double[] valueVariances,
                            double[] slopeVariances) {
        this.times = times;
        int n = times.length;
        RealMatrix covariances = new Array2DRowRealMatrix(2 * n, 2 * n);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                covariances.setEntry(i, j, prior(times[i], false, times[j], false));
                covariances.setEntry(i, n + j, prior(times[i], false, times[j], true));
                covariances.setEntry(n + i, j, prior(times[i], true, times[j], false));
                covariances.setEntry(n + i, n + j, prior(times[i], true, times[j], true));
            }
            covariances.addToEntry(i, i, Math.max(valueVariances[i], SMALLEST_VARIANCE));
            covariances.addToEntry(n + i, n + i, Math.max(slopeVariances[i], SMALLEST_VARIANCE));
        }
        // Small pivots, of close observations with hardly any noise, are no error.
        solver = new LUDecomposition(covariances, 0).getSolver();
        weights = solver.solve(new ArrayRealVector(values, slopes));
    }

    /** Posterior mean of f(t), or of f'(t). */
    double mean(double t, boolean slope) {
        return withObservations(t, slope).dotProduct(weights);
    }

    /** Posterior covariance of f(s) or f'(s) with f(t) or f'(t). */
    double covariance(double s, boolean slopeAtS, double t, boolean slopeAtT) {
        return prior(s, slopeAtS, t, slopeAtT)
                - withObservations(s, slopeAtS).dotProduct(solver.solve(withObservations(t, slopeAtT)));
    }

    private RealVector withObservations(double t, boolean slope) {
        int n = times.length;
        double[] covariances = new double[2 * n];
        for (int i = 0; i < n; i++) {
            covariances[i] = prior(t, slope, times[i], false);
            covariances[n + i] = prior(t, slope, times[i], true);
        }
        return new ArrayRealVector(covariances, false);
    }

    private static double prior(double s, boolean slopeAtS, double t, boolean slopeAtT) {
        if (slopeAtS && !slopeAtT) {
            return prior(t, false, s, true);
        }
        double a = s + OFFSET;
        double b = t + OFFSET;
        double m = Math.min(a, b);
        if (slopeAtS) {
            return m;
        }
        if (slopeAtT) {
            return a < b ? a * a / 2 : a * b - b * b / 2;
        }
        return m * m * m / 3 + Math.abs(a - b) * m * m / 2;
    }
}
