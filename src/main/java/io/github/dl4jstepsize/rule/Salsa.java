package io.github.dl4jstepsize.rule;

/**
 * SaLSa, stable Armijo line search: the decrease of the loss and the slope that it is compared with are averaged over
 * iterations, so that one odd batch decides little; and the steadier the step, the rarer the search.
 * <pre>
 *   s   = growth * last s
 *   G   = beta3 G + (1 - beta3) g.d                          s_k of the slides
 *   H   = beta3 H + (1 - beta3) (l(0) - l(s))                h_k of the slides
 *   while H &lt; c s G:  s = b s
 *   fast = 0.9 fast + 0.1 s,  slow = 0.99 slow + 0.01 s,  r = fast/slow or its inverse, whichever is above 1
 *   next search after min(maxInterval, 1/(r - 1)) iterations; the first nine search in any case
 *   SGD:   d = g
 *   ADAM:  d = g / (sqrt(v_hat) + 1e-8) in a search (m_hat in place of g if momentumInSearch),
 *          d = m_hat / (sqrt(v_hat) + 1e-8) otherwise
 * </pre>
 * H is left alone by a trial that does not change the loss at all, which is accepted. Where the loss or G are below
 * 1e-8 nothing is tried: the step in use is taken, or none before a search has succeeded. Until then one is due in every
 * iteration, of up to maxTrials passes.
 * <p>
 * One extra forward pass per trial, in iterations that search; two memory vectors and one vector for the search with
 * ADAM, none with SGD.
 * <p>
 * Source: P. Kenneweg, "No learning rates needed: introducing SaLSa", 2024, equations 3.6 to 3.13; growth and b as in
 * the published code. SGD follows the slides, which average |g|^2 (the code averages |g|).
 * <p>
 * {@code asPublished} reproduces the authors' code, which differs in this:
 * <ul>
 *   <li>The bias corrections have the exponent t + 1.</li>
 *   <li>A search that fails stays at the last trial and leaves the step multiplied by b^maxTrials. Otherwise the
 *       parameters stay, and {@link ArmijoSearch#afterFailure the cut is bounded}.</li>
 *   <li>A search that fails has put its slope into G, but no decrease into H: after a few of them, c G can be beyond
 *       what any one decrease lifts H to, and every search fails. Otherwise G stays as it was, too.</li>
 *   <li>Between searches the parameters move by growth * s, which nothing has tested, while s is kept. Otherwise by
 *       s.</li>
 *   <li>Both averages of the step start at 1e-8, so that for the first hundreds of searches r tells how much longer
 *       the memory of the one is, and every second iteration is searched. Otherwise they start at the first step that
 *       was found.</li>
 *   <li>The step grows where loss or G are negligible. Otherwise it does not, because nothing would ever stop it.</li>
 * </ul>
 */
public final class Salsa implements StepRule {

    /** The settings of {@link Salsa}; fields as the updater's properties of the same names, but for what is said otherwise. */
    public static final class Settings {
        /** Whether the direction that is searched and followed is Adam's; the negative gradient otherwise. */
        public boolean adam;
        public double initialStep;
        public double c;
        /** Decay of Adam's first moment. */
        public double beta1;
        /** Decay of Adam's second moment. */
        public double beta2;
        /** Decay of the averages G and H. */
        public double beta3;
        public double growth;
        /** b. */
        public double backtrack;
        /** Whether to search more rarely than in every iteration. */
        public boolean adaptiveFrequency;
        public int maxInterval;
        public boolean momentumInSearch;
        public int maxTrials;
        public boolean asPublished;
    }

    private static final double ADAM_EPSILON = 1e-8;
    /** Loss and slope below which the published code does not search. */
    private static final double NEGLIGIBLE = 1e-8;
    /** The first iteration that need not search. */
    private static final int FIRST_WITHOUT = 10;
    private static final double FAST = 0.9;
    private static final double SLOW = 0.99;
    /** Start of both averages of the step. */
    private static final double PUBLISHED_START = 1e-8;
    /** Keeps 1/(r - 1) finite. */
    private static final double TINY = 1e-8;

    private final Settings settings;
    private final ArmijoSearch armijo;
    private final Adam adam;

    private double stepSize;
    /** Whether any search has succeeded yet. */
    private boolean measured;
    private double decrease;
    private double slope;
    /** 0 before the first step that was found, and so is slow. */
    private double fast;
    private double slow;
    private int iterations;
    private int sinceSearch;

    /** @param settings validated by the caller and not changed afterwards */
    public Salsa(Settings settings) {
        this.settings = settings;
        this.armijo = new ArmijoSearch(settings.c, settings.backtrack, settings.maxTrials);
        this.adam = new Adam(settings.beta1, settings.beta2, ADAM_EPSILON);
        this.stepSize = settings.initialStep;
        this.fast = settings.asPublished ? PUBLISHED_START : 0;
        this.slow = fast;
    }

    @Override
    public boolean readsSlope() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        if (!Double.isFinite(batch.loss())) {
            return Step.chosen(0, stepSize, Outcome.NOT_FINITE);
        }
        iterations++;
        sinceSearch++;
        if (!searchIsDue()) {
            double rate = settings.asPublished ? settings.growth * stepSize : stepSize;
            return Step.chosen(rate, stepSize, Outcome.REUSED).moving(rate * follow(batch));
        }
        sinceSearch = 0;
        Vector gradient = prepare(batch);
        double slopeOfThis = gradient.dot(batch.direction());
        if (!Double.isFinite(slopeOfThis)) {
            return Step.chosen(0, stepSize, Outcome.NOT_FINITE);
        }
        double slopeBefore = slope;
        slope = average(settings.beta3, slope, slopeOfThis);
        // The published code takes a negative loss for a negligible one.
        double loss = settings.asPublished ? batch.loss() : Math.abs(batch.loss());
        Step step = loss < NEGLIGIBLE || slope < NEGLIGIBLE ? doNotSearch(batch, gradient)
                : search(batch, gradient, slopeBefore);
        averageStep();
        return step;
    }

    private void averageStep() {
        if (isUntested()) {
            return;
        }
        if (fast == 0) {
            fast = stepSize;
            slow = stepSize;
        } else {
            fast = average(FAST, fast, stepSize);
            slow = average(SLOW, slow, stepSize);
        }
    }

    /** Whether the step in use is one that no search has found. */
    private boolean isUntested() {
        return !measured && !settings.asPublished;
    }

    private boolean searchIsDue() {
        double ratio = Math.max(fast / slow, slow / fast);
        return !settings.adaptiveFrequency || isUntested() || iterations < FIRST_WITHOUT
                || sinceSearch >= Math.min(settings.maxInterval, 1 / (ratio - 1 + TINY));
    }

    private Step search(TrainingBatch batch, Vector gradient, double slopeBefore) {
        Vector along = batch.direction();
        double stepBefore = stepSize;
        ArmijoSearch.Result result = armijo.backtrack(settings.growth * stepSize, s -> {
            double trial = batch.loss(s, along);
            double decreaseOfThis = batch.loss(0, along) - trial;
            double averaged = decreaseOfThis == 0 ? decrease : average(settings.beta3, decrease, decreaseOfThis);
            boolean acceptable = decreaseOfThis == 0 || armijo.isMet(averaged, s, slope);
            if (acceptable) {
                decrease = averaged;
            }
            return acceptable;
        });
        remember(batch, gradient);
        stepSize = result.next;
        if (result.found) {
            measured = true;
            return Step.searched(stepSize, stepSize, Outcome.ACCEPTED);
        }
        if (settings.asPublished) {
            return Step.searched(result.step, stepSize, Outcome.REJECTED);
        }
        stepSize = ArmijoSearch.afterFailure(stepBefore, settings.initialStep);
        slope = slopeBefore;
        return Step.searched(0, stepSize, Outcome.REJECTED);
    }

    private Step doNotSearch(TrainingBatch batch, Vector gradient) {
        if (gradient != batch.direction()) {
            batch.direction().assign(gradient);
        }
        double factor = follow(batch);
        if (settings.asPublished) {
            stepSize *= settings.growth;
        }
        double rate = isUntested() ? 0 : stepSize;
        return Step.chosen(rate, stepSize, Outcome.NO_DESCENT).moving(rate * factor);
    }

    private static double average(double decay, double average, double value) {
        return decay * average + (1 - decay) * value;
    }

    private int exponent() {
        return settings.asPublished ? iterations + 1 : iterations;
    }

    /** Turns batch.direction(), a gradient, into the search direction, and returns the gradient. Leaves Adam's moments. */
    private Vector prepare(TrainingBatch batch) {
        Vector direction = batch.direction();
        if (!settings.adam) {
            return direction;
        }
        Vector gradient = batch.scratch();
        gradient.assign(direction);
        if (settings.momentumInSearch) {
            adam.average(direction, batch.memory(0), exponent());
        }
        adam.precondition(direction, gradient, batch.memory(1), exponent());
        return gradient;
    }

    /** Takes the gradient of an iteration that has searched into Adam's moments. */
    private void remember(TrainingBatch batch, Vector gradient) {
        if (settings.adam) {
            adam.updateFirst(batch.memory(0), gradient);
            adam.updateSecond(batch.memory(1), gradient);
        }
    }

    /** Turns batch.direction(), a gradient, into the direction of a step without search, but for the factor returned. */
    private double follow(TrainingBatch batch) {
        return settings.adam ? adam.follow(batch.direction(), batch.memory(0), batch.memory(1), exponent()) : 1;
    }

    @Override
    public void state(Scalars scalars) {
        stepSize = scalars.next(stepSize);
        measured = scalars.next(measured);
        decrease = scalars.next(decrease);
        slope = scalars.next(slope);
        fast = scalars.next(fast);
        slow = scalars.next(slow);
        iterations = scalars.next(iterations);
        sinceSearch = scalars.next(sinceSearch);
    }

    @Override
    public int memoryVectors() {
        return settings.adam ? 2 : 0;
    }
}
