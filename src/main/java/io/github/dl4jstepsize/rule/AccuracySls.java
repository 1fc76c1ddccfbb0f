package io.github.dl4jstepsize.rule;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;

/**
 * l-SLS, a-SLS and sa-SLS: stochastic line search that need not look at the loss it differentiates. What
 * {@link TrainingBatch#loss(double, Vector)} returns can as well be the share of wrong answers, or a smooth version
 * of it; its slope along the gradient is a finite difference.
 * <pre>
 *   d     = g, or g/|g| if normalized
 *   slope = (F(0) - F(epsilon)) / epsilon,  0 if the difference is below 1e-3 epsilon
 *   s     = last s * gamma^(1/batches per epoch)
 *   while F(s) &gt; F(0) - c s slope:  s = b s               F(s) at parameters - s d
 * </pre>
 * The search looks at the batch that gave the gradient, at the one before it, or, every n-th iteration, at the last
 * ones that make up about 1,000 examples. Those batches are kept from earlier iterations, so that the training loop
 * stays as it is; while there are none (at the start, or after loading a network) the present one stands in.
 * <p>
 * One extra forward pass for the finite difference and one for each trial; F(0) is free on the batch itself, and
 * costs a pass on each of the others, two where the loss is looked at, too. A search that changes from the loss to the smooth
 * accuracy, or back, makes the finite difference of both. No memory vectors; kept batches are copies.
 * <p>
 * Source: the thesis "Accuracy-based line search", Algorithms 3 to 5 and section 6.3. It maximises accuracies; here
 * their complements are minimised, so that all three metrics share one condition. The published code evaluates F(0)
 * and F(epsilon) again in every trial, which changes nothing.
 * <p>
 * {@code asPublished} reproduces the authors' code, which differs in this:
 * <ul>
 *   <li>Where F rises along the line the slope counts as 0, which no step then meets: one such batch costs a hundred
 *       trials and cuts the step to 2.7e-5 of what it was. Otherwise nothing is tried and the step in use is taken.
 *       (A flat F, the normal case for accuracies, is still searched: steps that make F worse are refused.)</li>
 *   <li>The accuracy's finite difference is either 0 or the jump of single answers, 1/(n epsilon) each, with which no
 *       step keeps up. Otherwise a slope that leads below F = 0 at the first trial is cut to one that leads to
 *       it.</li>
 *   <li>A search that fails moves by the shortened step, which it also leaves behind. Otherwise the parameters stay,
 *       and {@link ArmijoSearch#afterFailure the cut is bounded}.</li>
 *   <li>The step grows without bound, and once per search. Otherwise s_max bounds it, and it grows for every iteration
 *       since the last search.</li>
 *   <li>The smooth accuracy decides from the beginning. Otherwise, as long as it is below that of margins of 0.2,
 *       1/(1 + exp(-0.2 slopeFactor)), with a slopeFactor above 1 below 0.55, the loss does: the margins of a network that has
 *       learnt little are all small, and what it learns first, how frequent the classes are, makes most of them
 *       smaller.</li>
 * </ul>
 */
public final class AccuracySls implements StepRule {

    /** The batch that is searched on. */
    public enum SearchBatch {
        /** The one that gave the gradient. */
        SAME,
        /** The one before it. */
        ANOTHER,
        /** The last ones with about 1,000 examples together, every n-th iteration. */
        LARGE
    }

    /**
     * The settings of {@link AccuracySls}; fields as the updater's properties of the same names, but for what is said otherwise.
     */
    public static final class Settings {
        public double epsilon;
        /** Whether F is a count of wrong answers, which changes in steps. */
        public boolean stepwise;
        /** Of the smooth version of that count, where F is that, or 0. */
        public double slopeFactor;
        public boolean normalized;
        public SearchBatch searchBatch;
        /** n, for LARGE. */
        public int searchEvery;
        public double initialStep;
        public double c;
        /** b. */
        public double backtrack;
        /** gamma. */
        public double growth;
        /** s_max. */
        public double maxStep;
        /** 0 to count them. */
        public int batchesPerEpoch;
        public int maxTrials;
        public boolean asPublished;
    }

    /** Examples in a large search batch (thesis, section 6.3). */
    private static final int LARGE_EXAMPLES = 1000;
    /** Below the smooth accuracy of this margin the loss decides; see zoo-examples/experiments/08-every-method.txt. */
    private static final double SMALL_MARGIN = 0.2;
    /** Of a larger one the mean is nearly the share of right answers, which cannot be asked to be almost 1. */
    private static final double LARGEST_FACTOR = 1;
    /** The published code takes differences below this share of epsilon for 0. */
    private static final double NEGLIGIBLE_SLOPE = 1e-3;

    private final Settings settings;
    private final ArmijoSearch armijo;
    /** Error above which the loss decides; infinite where F always does. */
    private final double largeError;

    private double stepSize;
    /** Whether any search has succeeded yet. */
    private boolean measured;
    /** Iterations until the next search. */
    private int untilSearch;
    /** Whether the loss decided at the last search, or will at the first. */
    private boolean onLoss;

    /** The batches before this one. Not saved. */
    private final Deque<Kept> kept = new ArrayDeque<>();

    /** @param settings validated by the caller and not changed afterwards */
    public AccuracySls(Settings settings) {
        this.settings = settings;
        this.armijo = new ArmijoSearch(settings.c, settings.backtrack, settings.maxTrials);
        this.stepSize = settings.initialStep;
        this.largeError = settings.slopeFactor == 0 || settings.asPublished ? Double.POSITIVE_INFINITY
                : 1 / (1 + Math.exp(SMALL_MARGIN * Math.min(settings.slopeFactor, LARGEST_FACTOR)));
        this.onLoss = Double.isFinite(largeError);
    }

    @Override
    public Step step(TrainingBatch batch) {
        double norm = settings.normalized ? batch.direction().norm() : 1;
        if (!Double.isFinite(norm) || !Double.isFinite(batch.loss())) {
            return Step.chosen(0, stepSize, Outcome.NOT_FINITE);
        }
        if (norm == 0) {
            return Step.chosen(0, stepSize, Outcome.NO_DESCENT);
        }
        Step step = untilSearch == 0 ? search(batch, norm) : Step.chosen(stepSize / norm, stepSize, Outcome.REUSED);
        untilSearch = (untilSearch == 0 ? searchEvery() : untilSearch) - 1;
        keepForSearch(batch);
        return step;
    }

    private int searchEvery() {
        return settings.searchBatch == SearchBatch.LARGE ? settings.searchEvery : 1;
    }

    private Step search(TrainingBatch batch, double norm) {
        DoubleUnaryOperator errors = line(batch, norm, UnaryOperator.identity());
        DoubleUnaryOperator losses = line(batch, norm, Losses::differentiated);
        // A value at 0 is free only after a trial: one that is rarely in vain.
        boolean expected = onLoss;
        double atEpsilon = (expected ? losses : errors).applyAsDouble(settings.epsilon);
        double error = errors.applyAsDouble(0);
        onLoss = error > largeError;
        DoubleUnaryOperator line = onLoss ? losses : errors;
        return search(batch, norm, line, onLoss == expected ? atEpsilon : line.applyAsDouble(settings.epsilon),
                onLoss ? losses.applyAsDouble(0) : error);
    }

    private Step search(TrainingBatch batch, double norm, DoubleUnaryOperator line, double atEpsilon, double atStart) {
        double difference = atStart - atEpsilon;
        double threshold = NEGLIGIBLE_SLOPE * settings.epsilon;
        if (difference < -threshold && !settings.asPublished) {
            return Step.searched(measured ? stepSize / norm : 0, stepSize, Outcome.NO_DESCENT);
        }
        double first = firstStep(batch);
        double steepest = settings.stepwise && !settings.asPublished ? atStart / first : Double.POSITIVE_INFINITY;
        double slope = difference < threshold ? 0 : Math.min(difference / settings.epsilon, steepest);

        ArmijoSearch.Result result = armijo.backtrack(first,
                s -> armijo.isMet(atStart - line.applyAsDouble(s), s, slope));
        if (result.found || settings.asPublished) {
            measured = true;
            stepSize = result.next;
            return Step.searched(stepSize / norm, stepSize, result.found ? Outcome.ACCEPTED : Outcome.REJECTED);
        }
        stepSize = ArmijoSearch.afterFailure(stepSize, settings.initialStep);
        return Step.searched(0, stepSize, Outcome.REJECTED);
    }

    private double firstStep(TrainingBatch batch) {
        double factor = ArmijoSearch.growthPerBatch(settings.growth, settings.batchesPerEpoch, batch);
        return settings.asPublished ? stepSize * factor
                : Math.min(stepSize * Math.pow(factor, searchEvery()), settings.maxStep);
    }

    /** F, or another measure, at {@code parameters - s/norm g}: mean over the examples of the batches that are searched on. */
    private DoubleUnaryOperator line(TrainingBatch batch, double norm, UnaryOperator<Losses> view) {
        Vector along = batch.direction();
        if (kept.isEmpty()) {
            return s -> view.apply(batch).loss(s / norm, along);
        }
        return s -> {
            double sum = 0;
            int examples = 0;
            for (Kept earlier : kept) {
                sum += earlier.size * view.apply(earlier.losses).loss(s / norm, along);
                examples += earlier.size;
            }
            return sum / examples;
        };
    }

    /** Keeps this batch if the next search will look at it. */
    private void keepForSearch(TrainingBatch batch) {
        int wanted = settings.searchBatch == SearchBatch.SAME ? 0
                : settings.searchBatch == SearchBatch.ANOTHER ? 1
                : Math.max(1, Math.round((float) LARGE_EXAMPLES / batch.size()));
        if (untilSearch >= wanted) {
            kept.clear();
            return;
        }
        kept.add(new Kept(batch.keep(), batch.size()));
        while (kept.size() > wanted) {
            kept.remove();
        }
    }

    @Override
    public void state(Scalars scalars) {
        stepSize = scalars.next(stepSize);
        measured = scalars.next(measured);
        untilSearch = scalars.next(untilSearch);
        onLoss = scalars.next(onLoss);
    }

    private static final class Kept {

        private final Losses losses;
        private final int size;

        private Kept(Losses losses, int size) {
            this.losses = losses;
            this.size = size;
        }
    }
}
