package io.github.dl4jstepsize.rule;

/**
 * PAL, parabolic approximation line search: on every batch one additional loss, one parabola, one jump to its minimum.
 * <pre>
 *   d = beta d + g,  N = |d|                               line direction: heavy ball
 *   b = -(g.d)/N,  a = (l(mu) - l(0) - b mu) / mu^2        l(s) = loss at parameters - s d/N
 *   s = alpha * -b/(2a)   if a &gt; 0, b &lt; 0            minimum ahead
 *       mu                if a &lt;= 0, b &lt; 0           falling, not convex: walk on
 *       0                 otherwise                        not falling
 *   s = min(s, s_max)
 * </pre>
 * One extra forward pass per iteration; one memory vector, none if beta is 0.
 * <p>
 * Source: M. Mutschler, A. Zell, "PAL: A fast DNN optimization method based on curvature information", 2019,
 * Algorithm 1 and section 2.3; the exact slope (g.d)/N is the paper's equation 8, {@code exactSlope = false} its
 * approximation by -N. The published code multiplies the step by alpha where the paper divides the curvature by it
 * (alpha = 1/lambda), which is the same. Departure: the published code leaves the parameters at the trial point when
 * the trial is NaN or infinite; here they stay where they were.
 */
public final class Pal implements StepRule {

    private final double measuringStep;
    private final double maxStep;
    private final double directionAdaptation;
    private final double stepAdaptation;
    private final boolean exactSlope;

    /**
     * @param measuringStep       mu, distance of the second measurement
     * @param maxStep             s_max
     * @param directionAdaptation beta, share of the last direction in the new one
     * @param stepAdaptation      alpha, factor on the distance to the minimum
     * @param exactSlope          slope (g.d)/N instead of N
     */
    public Pal(double measuringStep, double maxStep, double directionAdaptation, double stepAdaptation,
               boolean exactSlope) {
        this.measuringStep = measuringStep;
        this.maxStep = maxStep;
        this.directionAdaptation = directionAdaptation;
        this.stepAdaptation = stepAdaptation;
        this.exactSlope = exactSlope;
    }

    @Override
    public boolean readsSlope() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        Vector direction = batch.direction();
        double fromLast = 0;
        if (directionAdaptation != 0) {
            Vector last = batch.memory(0);
            direction.add(directionAdaptation, last);
            fromLast = directionAdaptation * direction.dot(last);
        }
        double norm = direction.norm();
        if (!Double.isFinite(norm)) {
            return Step.searched(0, 0, Outcome.NOT_FINITE);
        }
        if (norm == 0) {
            return Step.searched(0, 0, Outcome.NO_DESCENT);
        }
        // g = d - beta last, which costs one inner product less than g.g + beta g.last.
        double slope = exactSlope ? fromLast / norm - norm : -norm;

        double trial = batch.loss(measuringStep / norm, direction);
        double rise = trial - batch.loss(0, direction);
        if (directionAdaptation != 0) {
            batch.memory(0).assign(direction);
        }

        Parabola parabola = Parabola.through(rise, slope, measuringStep);
        if (!parabola.isFinite()) {
            return Step.searched(0, 0, Outcome.NOT_FINITE);
        }
        double step = 0;
        Outcome outcome = Outcome.NO_DESCENT;
        if (parabola.hasMinimumAhead()) {
            step = stepAdaptation * parabola.minimum();
            outcome = Outcome.MINIMUM;
        } else if (parabola.descends()) {
            step = measuringStep;
            outcome = Outcome.DOWNHILL;
        }
        if (step > maxStep) {
            step = maxStep;
            outcome = Outcome.MAXIMUM_STEP;
        }
        return Step.searched(step / norm, step, outcome);
    }

    @Override
    public void state(Scalars scalars) {
        // All that PAL remembers is its direction.
    }

    @Override
    public int memoryVectors() {
        return directionAdaptation == 0 ? 0 : 1;
    }
}
