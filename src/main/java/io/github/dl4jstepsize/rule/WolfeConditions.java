package io.github.dl4jstepsize.rule;

import org.apache.commons.math3.analysis.integration.gauss.GaussIntegrator;
import org.apache.commons.math3.analysis.integration.gauss.GaussIntegratorFactory;
import org.apache.commons.math3.special.Erf;

/**
 * How probable it is that a point of a line, of which a Gaussian process is known, is good enough to end the search.
 * <pre>
 *   f(t) &lt;= f(0) + c1 t f'(0)        f is low enough
 *   -0.1 &lt; f'(t) &lt; 1.1               and flat enough, f'(0) being -1
 * </pre>
 * Without noise, where the variance of either is below 1e-9, the slope has to be 0 or greater instead, as in the published code.
 * <p>
 * Source: M. Mahsereci, P. Hennig, "Probabilistic Line Searches for Stochastic Optimization", 2015, section 3.3; the bounds of
 * the slope are the published code's.
 */
final class WolfeConditions {

    /** Bounds of an acceptable slope, by the slope at 0 (published code). */
    private static final double MIN_SLOPE = -0.1;
    private static final double MAX_SLOPE = 1.1;
    /** Variances below which the Wolfe conditions are evaluated without noise. */
    private static final double NO_NOISE = 1e-9;
    /** Standard deviations beyond which the normal distribution is zero in double precision. */
    private static final double NORMAL_RANGE = 9;
    /** Gauss-Legendre quadrature, exact to 1e-13 for correlations up to 0.9999. */
    private static final int INTEGRATION_PIECES = 64;
    private static final int INTEGRATION_POINTS = 20;
    private static final GaussIntegratorFactory INTEGRATORS = new GaussIntegratorFactory();

    private WolfeConditions() {
    }

    /** @param process of f, in units in which f'(0) was observed as -1 */
    static double probability(IntegratedWienerProcess process, double c1, double t) {
        double reach = c1 * t;
        double meanA = process.mean(0, false) - process.mean(t, false) + reach * process.mean(0, true);
        double meanB = process.mean(t, true);
        double varianceA = process.covariance(0, false, 0, false) + reach * reach * process.covariance(0, true, 0, true)
                + process.covariance(t, false, t, false)
                + 2 * reach * (process.covariance(0, false, 0, true) - process.covariance(0, true, t, false))
                - 2 * process.covariance(0, false, t, false);
        double varianceB = process.covariance(t, true, t, true);
        if (varianceA < NO_NOISE || varianceB < NO_NOISE) {
            return meanA >= 0 && meanB >= 0 ? 1 : 0;
        }
        double covariance = process.covariance(0, false, t, true) + reach * process.covariance(0, true, t, true)
                - process.covariance(t, false, t, true);
        double deviationA = Math.sqrt(varianceA);
        double deviationB = Math.sqrt(varianceB);
        return upperStrip(-meanA / deviationA, (MIN_SLOPE - meanB) / deviationB, (MAX_SLOPE - meanB) / deviationB,
                covariance / (deviationA * deviationB));
    }

    /** P(X &gt; a, low &lt; Y &lt; high) of standard normal variables with a correlation. */
    static double upperStrip(double a, double low, double high, double correlation) {
        double from = Math.max(low, -NORMAL_RANGE);
        double to = Math.min(high, NORMAL_RANGE);
        if (from >= to) {
            return 0;
        }
        double rest = Math.sqrt(Math.max(1 - correlation * correlation, Double.MIN_NORMAL));
        double sum = 0;
        for (int i = 0; i < INTEGRATION_PIECES; i++) {
            GaussIntegrator piece = INTEGRATORS.legendre(INTEGRATION_POINTS,
                    from + (to - from) * i / INTEGRATION_PIECES, from + (to - from) * (i + 1) / INTEGRATION_PIECES);
            sum += piece.integrate(y -> Math.exp(-y * y / 2) / Math.sqrt(2 * Math.PI)
                    * Erf.erfc((a - correlation * y) / rest / Math.sqrt(2)) / 2);
        }
        return sum;
    }
}
