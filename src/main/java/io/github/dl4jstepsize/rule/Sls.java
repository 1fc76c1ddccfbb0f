package io.github.dl4jstepsize.rule;

/**
 * SLS, stochastic line search: on every batch, the step along the base updater's direction d is shortened until the
 * batch's loss has decreased in proportion to it.
 * <pre>
 *   slope = g.d                                            for plain gradient descent |g|^2
 *   s     = last s                                         reset KEEP
 *           last s * gamma^(1/batches per epoch)           reset GROW
 *           initial step                                   reset RESTART
 *   ARMIJO     while l(s) &gt; l(0) - c s slope:  s = b s
 *   GOLDSTEIN  two-sided: l(0) - (1-c) s slope &lt;= l(s) &lt;= l(0) - c s slope
 *              s too long: s = b s;  s too short: s = min(goldsteinGrowth * s, s_max)
 * </pre>
 * One extra forward pass per trial, the first of which usually succeeds; no memory vectors.
 * <p>
 * A direction of momentum methods need not descend on the present batch. Where g.d is below 1e-16 nothing is tried:
 * the step in use is taken, as the base updater with a constant learning rate would; before any search has succeeded,
 * none.
 * <p>
 * Source: S. Vaswani et al., "Painless stochastic gradient: interpolation, line-search, and convergence rates", 2019;
 * Algorithms 1 and 2 of the thesis "Accuracy-based line search".
 * <p>
 * {@code asPublished} reproduces the authors' code, which differs in this:
 * <ul>
 *   <li>A search that fails moves by 1e-6 (ARMIJO) or stays at the last trial (GOLDSTEIN), and leaves the step
 *       multiplied by b^maxTrials. Otherwise the parameters stay, and {@link ArmijoSearch#afterFailure the cut is
 *       bounded}.</li>
 *   <li>Where g.d is below 1e-16 the parameters stay, and the step grows.</li>
 *   <li>ARMIJO grows without bound. Otherwise s_max bounds it: where losses are negligible, every step is
 *       accepted.</li>
 *   <li>GOLDSTEIN can alternate between a step that is too long and one that is too short, and tries a too short s_max
 *       again and again. Otherwise it goes on between the two, in their geometric mean, and accepts s_max.</li>
 * </ul>
 * Departure for both: a NaN loss in GOLDSTEIN counts as too long; the published code throws an exception.
 */
public final class Sls implements StepRule {

    /** With which step a search begins. */
    public enum Reset {
        /** The last one. */
        KEEP,
        /** The last one, a little longer. */
        GROW,
        /** The initial one. */
        RESTART
    }

    /** The settings of {@link Sls}; fields as the updater's properties of the same names, but for what is said otherwise. */
    public static final class Settings {
        /** Whether a step must not be too short either: GOLDSTEIN in place of ARMIJO. */
        public boolean goldstein;
        public double initialStep;
        public double c;
        /** b. */
        public double backtrack;
        /** gamma. */
        public double growth;
        public double goldsteinGrowth;
        /** s_max. */
        public double maxStep;
        public Reset reset;
        /** 0 to count them. */
        public int batchesPerEpoch;
        public int maxTrials;
        public boolean asPublished;
    }

    /** Step of the published code after a failed Armijo search. */
    private static final double PUBLISHED_STEP_OF_FAILURE = 1e-6;
    /** Smallest step of the published code's Goldstein search. */
    private static final double SMALLEST_GOLDSTEIN_STEP = 1e-8;
    /** The published code does not search where the gradient is shorter than 1e-8; this is its square. */
    private static final double NEGLIGIBLE_SLOPE = 1e-16;

    private final Settings settings;
    private final ArmijoSearch armijo;

    private double stepSize;
    /** Whether any search has succeeded yet. */
    private boolean measured;

    /** @param settings validated by the caller and not changed afterwards */
    public Sls(Settings settings) {
        this.settings = settings;
        this.armijo = new ArmijoSearch(settings.c, settings.backtrack, settings.maxTrials);
        this.stepSize = settings.initialStep;
    }

    @Override
    public boolean readsSlope() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        double slope = batch.gradient().dot(batch.direction());
        if (!Double.isFinite(slope) || !Double.isFinite(batch.loss())) {
            return Step.chosen(0, stepSize, Outcome.NOT_FINITE);
        }
        if (slope < NEGLIGIBLE_SLOPE) {
            if (settings.asPublished) {
                stepSize = reset(batch);
                return Step.chosen(0, stepSize, Outcome.NO_DESCENT);
            }
            return Step.chosen(measured ? stepSize : 0, stepSize, Outcome.NO_DESCENT);
        }
        double before = stepSize;
        double first = reset(batch);
        return settings.goldstein ? goldstein(batch, slope, before, first)
                : armijo(batch, slope, before, first);
    }

    private double reset(TrainingBatch batch) {
        switch (settings.reset) {
            case KEEP:
                return stepSize;
            case GROW:
                double grown = stepSize * ArmijoSearch.growthPerBatch(settings.growth, settings.batchesPerEpoch, batch);
                return settings.asPublished ? grown : Math.min(grown, settings.maxStep);
            default:
                return settings.initialStep;
        }
    }

    private Step armijo(TrainingBatch batch, double slope, double before, double first) {
        Vector along = batch.direction();
        ArmijoSearch.Result result = armijo.backtrack(first, s -> {
            double trial = batch.loss(s, along);
            return armijo.isMet(batch.loss(0, along) - trial, s, slope);
        });
        if (result.found) {
            return accept(result.step, Outcome.ACCEPTED);
        }
        return fail(before, PUBLISHED_STEP_OF_FAILURE, result.next);
    }

    private Step goldstein(TrainingBatch batch, double slope, double before, double first) {
        Vector along = batch.direction();
        double tooShort = 0;
        double tooLong = Double.POSITIVE_INFINITY;
        double last = first;
        double next = first;
        for (int trial = 0; trial < settings.maxTrials; trial++) {
            last = next;
            double tried = batch.loss(last, along);
            double decrease = batch.loss(0, along) - tried;
            if (!armijo.isMet(decrease, last, slope)) {
                tooLong = last;
                next = Math.max(settings.backtrack * last, SMALLEST_GOLDSTEIN_STEP);
            } else if (decrease <= (1 - settings.c) * last * slope) {
                return accept(last, Outcome.ACCEPTED);
            } else if (last >= settings.maxStep && !settings.asPublished) {
                return accept(last, Outcome.MAXIMUM_STEP);
            } else {
                tooShort = last;
                next = Math.min(settings.goldsteinGrowth * last, settings.maxStep);
            }
            if (!settings.asPublished && tooShort > 0 && tooLong < Double.POSITIVE_INFINITY) {
                next = Math.sqrt(tooShort * tooLong);
            }
        }
        return fail(before, last, next);
    }

    private Step accept(double step, Outcome outcome) {
        measured = true;
        stepSize = step;
        return Step.searched(step, step, outcome);
    }

    private Step fail(double before, double publishedStep, double publishedNext) {
        stepSize = settings.asPublished ? publishedNext : ArmijoSearch.afterFailure(before, settings.initialStep);
        return Step.searched(settings.asPublished ? publishedStep : 0, stepSize, Outcome.REJECTED);
    }

    @Override
    public void state(Scalars scalars) {
        stepSize = scalars.next(stepSize);
        measured = scalars.next(measured);
    }
}
