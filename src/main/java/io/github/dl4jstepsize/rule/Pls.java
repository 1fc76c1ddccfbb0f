package io.github.dl4jstepsize.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * PLS, probabilistic line search: a Gaussian process is fitted to noisy losses and slopes along the line, and a point is
 * accepted when the Wolfe conditions hold there with some probability.
 * <pre>
 *   d = momentum * d + g, or g where that leads uphill
 *   f(t) = loss at parameters - t alpha0 d     in units of alpha0 |f'(0)|
 *   Wolfe conditions       a = f(0) - f(t) + c1 t f'(0) &gt;= 0,  -0.1 &lt;= f'(t) &lt;= 1.1
 *   accept t               if P(Wolfe at t) &gt;= c_W
 *   next t                 1 at first, then the most promising of: points between observations where the slope of the
 *                          posterior mean rises through the target slope, or, if there are none, through 0;
 *                          2 (explorations + 1)
 *   after acceptance       alpha = t alpha0,  alpha0 = min(max(alpha, alpha0/10), 10 alpha0)
 * </pre>
 * After 20 evaluations, or where the posterior slope at 0 is not negative, the search is given up: at the observed point of
 * the lowest posterior mean or, if that is the start, with a small step, t = 0.01. The parameters walk along with the
 * search, and every point is measured by one batch only.
 * <p>
 * The process needs the variances of the batch's loss l and slope f'. Of n examples:
 * <ul>
 * <li>Parts, which the paper does not have: from the losses and slopes of K = 4 parts with n_k examples each,
 * {@code var l = sum n_k (l_k - l)^2/(K - 1) / n}, and f' likewise. The training pass itself, at the parameters' place, is the
 * observation. One extra gradient pass per iteration in all, and one memory vector, the line.</li>
 * <li>Per example: from their losses l_i and gradients g_i, {@code var l = sum (l_i - l)^2/(n - 1) / n} and
 * {@code var f' = sum_j d_j^2 sum_i (g_ij - g_j)^2/(n - 1) / n}, as if the errors of different parameters were independent.
 * One extra gradient pass per example. As in the published code, an iteration first moves and then observes its batch at the new
 * place. Three memory vectors: the line, and two that sums over the examples go through.</li>
 * </ul>
 * <p>
 * Source: M. Mahsereci, P. Hennig, "Probabilistic Line Searches for Stochastic Optimization", 2015; constants and control
 * flow as the published port. {@code asPublished} reproduces it, which differs in this:
 * <ul>
 *   <li>It forgets to divide the variances by n, which makes the noise of the mean n times as large, and subtracts g_j^2 once,
 *       not n times, from the sum of the g_ij^2.</li>
 *   <li>Where the slope does not rise to the target slope, nothing but farther points is looked at, also behind a loss that
 *       rises gently. Otherwise the minima of the posterior mean are then, as in the paper.</li>
 *   <li>A line that leads uphill, because of its momentum, stays what it is. Otherwise it is the gradient then.</li>
 *   <li>It gives up with t = 0.01 in any case, so that twenty steps downhill along a noisy line are taken back, and after an
 *       accepted t beyond 10 alpha0 stays at the mean of the others. Both keep a network whose first steps ought to be far
 *       longer than alpha0 at its start. Otherwise alpha0 follows, by a factor of 10 at most.</li>
 *   <li>It walks on where a step was so long that the loss exploded, because a loss as high is mostly as uncertain. Otherwise
 *       the line is given up at its start (per example: at its best point or t = 0.01), so that alpha0 falls to a tenth, where
 *       f(t) &gt; f(0) + 10 (t + s) with s the standard deviation of f(0), and f(t) &lt;= f(0) + 100 t f'(t), on every convex
 *       line without the 100: a loss that its slope does not explain is that of a batch which is more difficult, not of a step
 *       that is too long.</li>
 * </ul>
 */
public final class Pls implements StepRule {

    /** The settings of {@link Pls}; fields as the updater's properties of the same names, but for what is said otherwise. */
    public static final class Settings {
        public double c1;
        public double wolfeThreshold;
        public double initialStep;
        public double targetSlope;
        public double momentum;
        /** Whether the variances come from single examples. */
        public boolean perExample;
        public boolean asPublished;
    }

    /** Evaluations on a line, and those beyond all points known, after which the search gives up (published code). */
    private static final int MAX_EVALUATIONS = 20;
    private static final int MAX_EXPLORATIONS = 20;
    /** The step with which it does if no observed point is lower than the start. */
    private static final double GIVE_UP = 0.01;
    /**
     * A line is given up at its start where the loss is higher than there by so many times the largest decrease possible, by
     * the slope at the start, and the standard deviation of the loss at the start. The loss of a parabola is, 22 times as
     * far away as its minimum.
     */
    private static final double FAR_TOO_HIGH = 10;
    /**
     * On a convex line a point is higher than the start by its slope times its distance at most; the loss of a network may be
     * higher, but not by so many times as much. See zoo-examples/experiments/21-tutorials.txt.
     */
    private static final double UNEXPLAINED = 100;
    /** An accepted step that differs more from the last one is not trusted to begin the next line with. */
    private static final double MAX_CHANGE = 10;
    /** Weight of the past in the mean of the accepted steps. */
    private static final double PAST = 0.95;

    // Memory vectors; all but the first are for single examples.
    private static final int LINE = 0;
    private static final int MEAN = 1;
    private static final int SQUARES = 2;

    private final Settings settings;

    private boolean started;
    /** Whether the batch before had a single example, as an epoch's last one may have. */
    private boolean tooFewExamples;
    /** The accepted step that is the unit of t; asPublished the mean of the accepted ones, too. */
    private double unit;
    private double meanStep;
    /** Where the parameters are on the line, and whether that point is accepted whatever is observed. */
    private double place;
    private boolean givingUp;
    private int explorations;
    /** Loss and steepness at 0. */
    private double startLoss;
    private double startSlope;
    /** What was observed on the line, in units of the start; the first is the start itself. */
    private int observed;
    private final double[] times = new double[MAX_EVALUATIONS + 2];
    private final double[] losses = new double[times.length];
    private final double[] slopes = new double[times.length];
    private final double[] lossVariances = new double[times.length];
    private final double[] slopeVariances = new double[times.length];

    /** @param settings validated by the caller and not changed afterwards */
    public Pls(Settings settings) {
        this.settings = settings;
        this.unit = settings.initialStep;
        this.meanStep = settings.initialStep;
    }

    @Override
    public boolean readsSlope() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        if (batch.size() < 2) {
            if (tooFewExamples) {
                throw new IllegalStateException("PLS learns from the differences between the examples of a batch, but the last"
                        + " two batches had one each: use batches of two or more");
            }
            tooFewExamples = true;
            return Step.chosen(0, started ? place * unit : Double.NaN, Outcome.TOO_FEW_EXAMPLES);
        }
        tooFewExamples = false;
        return settings.perExample ? moveAndObserve(batch) : observeAndMove(batch);
    }

    /** The training pass observes the parameters' place; then they move on. */
    private Step observeAndMove(TrainingBatch batch) {
        Vector line = batch.memory(LINE);
        Vector direction = batch.direction();
        NoisyObservation.Parts parts = new NoisyObservation.Parts(batch, line, settings.asPublished);
        double from = place * unit;
        if (started) {
            if (!observe(parts.along(1, 0))) {
                return Step.searched(0, from, Outcome.NOT_FINITE);
            }
            boolean farTooHigh = isFarTooHigh();
            if (farTooHigh || !isAccepted()) {
                givingUp |= farTooHigh;
                place = farTooHigh ? 0 : nextPlace();
                direction.assign(line);
                return walk(from, false, false);
            }
        }
        boolean first = !started;
        double momentum = momentum(parts.slopeAlongLine(), parts.squaredLength());
        startLine(parts.along(momentum, 1));
        if (!started) {
            return Step.searched(0, Double.NaN, Outcome.NO_DESCENT);
        }
        place = nextPlace();
        // momentum * line + gradient is the new line, and the direction that minus back * line. Made of each other, so that the
        // last line needs no copy: the direction is the gradient so far.
        double back = (1 - batch.decay()) * from / (place * unit);
        direction.add(momentum - back, line);
        line.scale(back);
        line.add(1, direction);
        return walk(0, first, true);
    }

    @Override
    public boolean decaysByItself() {
        return true;
    }

    /** The parameters move on; then this batch is observed there. */
    private Step moveAndObserve(TrainingBatch batch) {
        Vector line = batch.memory(LINE);
        boolean first = !started;
        if (first) {
            NoisyObservation.Examples examples = examples(batch, 0, null);
            if (settings.asPublished) {
                // The published code makes the first direction twice, and momentum with it.
                line.assign(batch.gradient());
            } else {
                line.scale(0);
            }
            startLine(batch.gradient(), examples, line);
        }
        if (!started) {
            return Step.searched(0, Double.NaN, Outcome.NO_DESCENT);
        }
        boolean newLine = observed == 1;
        double from = place * unit;
        double previous = place;
        int known = observed;
        place = nextPlace();
        NoisyObservation.Examples examples = examples(batch, place * unit - from, line);
        boolean finite = observe(examples.along(batch.memory(MEAN), line));
        if (!finite || isFarTooHigh()) {
            observed = known;
            place = previous;
            explorations = MAX_EXPLORATIONS;
            return Step.searched(0, from, finite ? Outcome.REJECTED : Outcome.NOT_FINITE);
        }
        batch.direction().assign(line);
        Step step = walk(from, first, newLine && !first);
        if (isAccepted()) {
            double retreat = (1 - batch.decay()) * place * unit;
            startLine(batch.memory(MEAN), examples, line);
            return step.moving(step.factor() - retreat);
        }
        return step;
    }

    private NoisyObservation.Examples examples(TrainingBatch batch, double step, Vector along) {
        return new NoisyObservation.Examples(batch, step, along, batch.memory(MEAN), batch.memory(SQUARES),
                settings.asPublished);
    }

    private void startLine(Vector gradient, NoisyObservation.Examples examples, Vector line) {
        line.scale(momentum(gradient.dot(line), gradient.dot(gradient)));
        line.add(1, gradient);
        startLine(examples.along(gradient, line));
    }

    private Step walk(double from, boolean first, boolean newLine) {
        double to = place * unit;
        return Step.searched(to, first ? Double.NaN : to, newLine ? Outcome.NEXT_LINE : Outcome.WALKED).moving(to - from);
    }

    /** Adds an observation at the parameters' place; false if it is not finite. */
    private boolean observe(NoisyObservation observation) {
        double scale = unit * startSlope;
        double loss = (observation.loss - startLoss) / scale;
        double slope = -observation.slope / startSlope;
        double lossVariance = observation.lossVariance / scale / scale;
        double slopeVariance = observation.slopeVariance / startSlope / startSlope;
        if (!Double.isFinite(loss + slope + lossVariance + slopeVariance)) {
            return false;
        }
        times[observed] = place;
        losses[observed] = loss;
        slopes[observed] = slope;
        lossVariances[observed] = lossVariance;
        slopeVariances[observed] = slopeVariance;
        observed++;
        return true;
    }

    /**
     * Whether the newest loss is beyond what the process can describe. It would take such a loss, which is mostly as
     * uncertain as it is high, for noise, and walk on.
     */
    private boolean isFarTooHigh() {
        double loss = losses[observed - 1];
        boolean explained = loss <= UNEXPLAINED * slopes[observed - 1] * place;
        return !settings.asPublished && !givingUp && explained
                && loss > FAR_TOO_HIGH * (place + Math.sqrt(lossVariances[0]));
    }

    private boolean isAccepted() {
        return givingUp || WolfeConditions.probability(process(), settings.c1, place) >= settings.wolfeThreshold;
    }

    /** The momentum of the next line, by the slope of the loss along the last one and by the gradient's squared length. */
    private double momentum(double slopeAlongLine, double squaredLength) {
        boolean uphill = settings.momentum * slopeAlongLine + squaredLength < 0;
        return uphill && !settings.asPublished ? 0 : settings.momentum;
    }

    /** Takes the parameters' place as the start of a new line, with what was measured there along it. */
    private void startLine(NoisyObservation observation) {
        if (started) {
            adaptUnit(place * unit);
        }
        startLoss = observation.loss;
        startSlope = Math.abs(observation.slope);
        place = 0;
        givingUp = false;
        explorations = 0;
        observed = 0;
        started = startSlope > 0 && observe(observation);
    }

    private void adaptUnit(double accepted) {
        if (!settings.asPublished) {
            unit = Math.min(Math.max(accepted, unit / MAX_CHANGE), MAX_CHANGE * unit);
        } else if (accepted >= unit / MAX_CHANGE && accepted <= unit * MAX_CHANGE) {
            meanStep = PAST * meanStep + (1 - PAST) * accepted;
            unit = accepted;
        } else {
            unit = meanStep;
        }
    }

    /** The point to observe next. */
    private double nextPlace() {
        if (observed == 1 && explorations < MAX_EXPLORATIONS) {
            return 1;
        }
        IntegratedWienerProcess process = process();
        if (observed > MAX_EVALUATIONS || explorations >= MAX_EXPLORATIONS || process.mean(0, true) >= 0) {
            givingUp = true;
            return settings.asPublished ? GIVE_UP : lowestPlace(process);
        }
        double farther = 2.0 * (explorations + 1);
        List<Double> candidates = pointsOfSlope(settings.targetSlope, process);
        if (candidates.isEmpty() && !settings.asPublished) {
            candidates = pointsOfSlope(0, process);
        }
        candidates.add(farther);
        double best = candidates.get(0);
        double highest = Double.NEGATIVE_INFINITY;
        for (double candidate : candidates) {
            double probability = WolfeConditions.probability(process, settings.c1, candidate);
            if (probability > highest) {
                highest = probability;
                best = candidate;
            }
        }
        if (best == farther) {
            explorations++;
        }
        return best;
    }

    /** The observed point with the lowest posterior mean, or a small step from the start. */
    private double lowestPlace(IntegratedWienerProcess process) {
        double lowest = process.mean(0, false);
        double lowestPlace = GIVE_UP;
        for (int i = 1; i < observed; i++) {
            double mean = process.mean(times[i], false);
            if (mean < lowest) {
                lowest = mean;
                lowestPlace = times[i];
            }
        }
        return lowestPlace;
    }

    /** Where the slope of the posterior mean, a parabola between two observations, rises through the given one. */
    private List<Double> pointsOfSlope(double slope, IntegratedWienerProcess process) {
        double[] sorted = Arrays.copyOf(times, observed);
        Arrays.sort(sorted);
        List<Double> points = new ArrayList<>();
        for (int i = 0; i + 1 < observed; i++) {
            double width = sorted[i + 1] - sorted[i];
            double left = process.mean(sorted[i], true);
            double middle = process.mean(sorted[i] + width / 2, true);
            double right = process.mean(sorted[i + 1], true);
            // slope(u) = a u^2 + b u + left, u from 0 to 1
            double a = 2 * left - 4 * middle + 2 * right;
            double b = -3 * left + 4 * middle - right;
            double root = Math.sqrt(b * b - 4 * a * (left - slope));
            double u = b > 0 ? 2 * (slope - left) / (b + root) : (root - b) / (2 * a);
            if (u > 0 && u < 1) {
                points.add(sorted[i] + u * width);
            }
        }
        return points;
    }

    private IntegratedWienerProcess process() {
        return new IntegratedWienerProcess(Arrays.copyOf(times, observed), Arrays.copyOf(losses, observed),
                Arrays.copyOf(slopes, observed), Arrays.copyOf(lossVariances, observed),
                Arrays.copyOf(slopeVariances, observed));
    }

    @Override
    public void state(Scalars scalars) {
        started = scalars.next(started);
        tooFewExamples = scalars.next(tooFewExamples);
        unit = scalars.next(unit);
        meanStep = scalars.next(meanStep);
        place = scalars.next(place);
        givingUp = scalars.next(givingUp);
        explorations = scalars.next(explorations);
        startLoss = scalars.next(startLoss);
        startSlope = scalars.next(startSlope);
        observed = scalars.next(observed);
        scalars.next(times);
        scalars.next(losses);
        scalars.next(slopes);
        scalars.next(lossVariances);
        scalars.next(slopeVariances);
    }

    @Override
    public int memoryVectors() {
        return settings.perExample ? 3 : 1;
    }
}
