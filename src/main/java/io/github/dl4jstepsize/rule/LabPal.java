package io.github.dl4jstepsize.rule;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * LABPAL, large-batch parabolic approximation line search: now and then the loss of many batches is measured along one
 * direction, a parabola is laid through it, and the step to (or beyond) its minimum is used for the next updates.
 * <pre>
 *   search    m k batches that leave the parameters alone:
 *               D = momentum * D + mean of the first k gradients,  M = |D|
 *               l(s) = mean loss of the batches at parameters - s D/M, a parabola b s + a s^2
 *               s = min(alpha * -b/(2a), s_max),  learning rate = s/M
 *   training  after every k batches, G their mean gradient:
 *               D = momentum * D + G
 *               SGD: parameters -= learning rate * D          NSGD: parameters -= s * D/|D|
 * </pre>
 * k follows a schedule over the fit iterations and grows with the gradient noise expected of the batch size B and the
 * training set size |T|: {@code k = max(1, floor(schedule * 128/B * |T|/40000))}.
 * <p>
 * Two ways to measure the parabola. GRADIENT: b is the mean of -(g_i.D)/M over the search batches, exact and free, because
 * the training loop computes their gradients anyway; a comes from one loss per batch at mu. In single precision a is then
 * known to about ulp(l)/mu². PUBLISHED reproduces the authors' code: losses at h = 0.000177 and mu, differentiated twice
 * with numpy.gradient, which makes the step twice as long as the distance to the minimum and, in single precision, wrong
 * by 2 ulp(l)/1.8e-6, of order 0.1.
 * <p>
 * Costs one extra forward pass per search batch (two for PUBLISHED) and one memory vector, two with momentum.
 * <p>
 * Source: M. Mutschler, A. Zell, "Using a one dimensional parabolic model of the full-batch loss to estimate learning
 * rates during training", Algorithm 1. From the published code, not in the paper: the first updates are not trusted and
 * a new search follows them; later measurements are averaged. Departures from that code: alpha applies to the true
 * minimum and an update of SGD is at most twice as long as s (GRADIENT), s_max is a constant and bounds the step after
 * alpha, momentum also acts at k = 1, a schedule entry is never missed, a search does not drop the batches that are
 * collected for an update (GRADIENT), and a network without any measurement yet takes a step of mu where the line falls
 * without curving upwards. Where a search finds no minimum, the last measurement stays in use.
 */
public final class LabPal implements StepRule {

    /** The settings of {@link LabPal}; fields as the updater's properties of the same names, but for what is said otherwise. */
    public static final class Settings {
        /** NSGD: the length s of the update is kept between searches. Otherwise SGD: the learning rate s/M is. */
        public boolean normalized;
        /** PUBLISHED: the authors' arithmetic on three losses. Otherwise GRADIENT. */
        public boolean published;
        /** alpha. */
        public double stepAdaptation;
        public double momentum;
        /** Weight updates from one search to the next. */
        public int searchEvery;
        /** m. */
        public int approximationBatches;
        /** From fit iteration to k before the noise factor. */
        public Map<Integer, Integer> batchSchedule;
        public int untrustedUpdates;
        public int averagedMeasurements;
        /** mu. */
        public double measuringStep;
        /** s_max. */
        public double maxStep;
        /** |T|, 0 to count it during the first epoch, for which the noise factor is then 1. */
        public int trainingSetSize;
    }

    /** First trial point of the published code. */
    private static final double PUBLISHED_FIRST_POINT = 0.000177;
    /**
     * In steps that were measured, how long an update of LABPAL&amp;SGD may be. Where gradients are small at first and grow, in
     * the zoo's LeNet for example, a learning rate that was measured at the start makes updates that end the training: see
     * zoo-examples/experiments/08-every-method.txt.
     */
    private static final double LONGEST_UPDATE = 2;
    /** Smallest step and learning rate of the published code. */
    private static final double SMALLEST_STEP = 1e-6;
    /** The published code does not measure along directions whose norm is outside these bounds. */
    private static final double PUBLISHED_MIN_NORM = 1e-3;
    private static final double PUBLISHED_MAX_NORM = 100;
    /** Batch and training set size for which the schedule is meant (paper, section 2.2). */
    private static final double SCHEDULE_BATCH_SIZE = 128;
    private static final double SCHEDULE_TRAINING_SET_SIZE = 40000;

    private final Settings settings;
    private final NavigableMap<Integer, Integer> schedule;

    /** Fit iterations so far. */
    private int batches;
    /** Fit iteration in which the last search ended. */
    private int lastSearch;
    /** Weight updates so far. */
    private int updates;
    /** k in use, 0 before the first batch. */
    private int batchesPerUpdate;
    /** Schedule entry in use. */
    private int scheduleEntry;
    /** Largest batch seen; the last one of an epoch is often smaller. */
    private int batchSize;
    private boolean searching;
    /** Batches of the unfinished search or update. */
    private int collected;
    /** M of the search direction. */
    private double norm;
    /** Sums over the search batches: slopes, and the losses of those that were measured at 0 and at the trial points. */
    private double slopes;
    private double measuredSlopes;
    private double lossesAtStart;
    private double lossesAtFirst;
    private double lossesAtMeasuringStep;
    /** s and s/M in use; NaN before the first measurement. */
    private double step = Double.NaN;
    private double learningRate = Double.NaN;
    /** Number of trusted measurements; the last of them are in {@code steps} and {@code rates}, as in ring buffers. */
    private int trusted;
    private final double[] steps;
    private final double[] rates;

    /** Batches of a search that came before its direction was known. Not saved; without them the search starts again. */
    private final List<Losses> kept = new ArrayList<>();

    /** @param settings validated by the caller and not changed afterwards */
    public LabPal(Settings settings) {
        this.settings = settings;
        this.schedule = new TreeMap<>(settings.batchSchedule);
        this.steps = new double[settings.averagedMeasurements];
        this.rates = new double[settings.averagedMeasurements];
    }

    @Override
    public boolean readsSlope() {
        return true;
    }

    @Override
    public Step step(TrainingBatch batch) {
        batchSize = Math.max(batchSize, batch.size());
        boolean keptBatchesAreMissing = searching && settings.published && collected < batchesPerUpdate
                && collected != kept.size();
        boolean newSchedule = !searching && collected == 0 && followSchedule(batch);
        if (keptBatchesAreMissing || newSchedule || !searching && searchIsDue()) {
            startSearch();
        }
        Step result = searching ? search(batch) : train(batch);
        batches++;
        return result;
    }

    /** Takes over the batches per update that hold now; true if they or the schedule's entry are new. */
    private boolean followSchedule(TrainingBatch batch) {
        int entry = schedule.floorKey(batches);
        int trainingSetSize = settings.trainingSetSize > 0 ? settings.trainingSetSize : batch.examplesPerEpoch();
        double noiseFactor = trainingSetSize == 0 ? 1
                : SCHEDULE_BATCH_SIZE / batchSize * trainingSetSize / SCHEDULE_TRAINING_SET_SIZE;
        int wanted = Math.max(1, (int) (schedule.get(entry) * noiseFactor));
        boolean changed = entry != scheduleEntry || wanted != batchesPerUpdate;
        scheduleEntry = entry;
        batchesPerUpdate = wanted;
        return changed;
    }

    private boolean searchIsDue() {
        // This batch included.
        int sinceLast = batches - lastSearch;
        boolean enoughUpdates = settings.published ? sinceLast / batchesPerUpdate >= settings.searchEvery
                : sinceLast - 1 >= (long) batchesPerUpdate * (settings.searchEvery - 1);
        return Double.isNaN(step) || enoughUpdates || publishedUpdates() == settings.untrustedUpdates + 1;
    }

    /** Weight updates so far as the published code counts them: from -1. */
    private int publishedUpdates() {
        return updates - 1;
    }

    private void startSearch() {
        searching = true;
        collected = 0;
        kept.clear();
        slopes = 0;
        measuredSlopes = 0;
        lossesAtStart = 0;
        lossesAtFirst = 0;
        lossesAtMeasuringStep = 0;
    }

    private void endSearch() {
        searching = false;
        collected = 0;
        lastSearch = batches;
    }

    private Step search(TrainingBatch batch) {
        Vector stored = batch.memory(0);
        collected++;
        if (collected < batchesPerUpdate) {
            if (settings.published) {
                kept.add(batch.keep());
            }
            accumulate(batch);
            return Step.searched(0, step, Outcome.MEASURED);
        }
        Vector along = stored;
        if (collected == batchesPerUpdate) {
            along = searchDirection(batch);
            if (!Double.isFinite(norm)) {
                searching = false;
                collected = 0;
                return Step.searched(0, step, Outcome.NOT_FINITE);
            }
            if (!isMeasurable()) {
                endSearch();
                if (Double.isNaN(step)) {
                    return Step.searched(0, step, Outcome.NO_DESCENT);
                }
                keepForMomentum(batch, along);
                return update(batch, Outcome.NO_DESCENT);
            }
        } else {
            double slope = -batch.gradient().dot(stored) / norm;
            slopes += slope;
            measuredSlopes += slope;
        }
        measure(batch, along);
        if (along != stored) {
            stored.assign(along);
        }
        if (collected / batchesPerUpdate < settings.approximationBatches) {
            return Step.searched(0, step, Outcome.MEASURED);
        }
        Outcome outcome = conclude();
        endSearch();
        if (Double.isNaN(step)) {
            return Step.searched(0, step, outcome);
        }
        updates++;
        batch.direction().assign(stored);
        keepForMomentum(batch, stored);
        return Step.searched(step / norm, step, outcome);
    }

    private void keepForMomentum(TrainingBatch batch, Vector along) {
        if (settings.momentum != 0) {
            batch.memory(1).assign(along);
        }
    }

    /**
     * Turns batch.direction() into the search direction of the k batches that end with this one; sets its norm and the
     * slopes along it: of all k batches, and of this one, which is the first whose loss will be measured.
     */
    private Vector searchDirection(TrainingBatch batch) {
        Vector direction = batch.direction();
        double slopeOfThis = batchesPerUpdate == 1 ? direction.dot(direction)
                : (direction.dot(direction) + direction.dot(batch.memory(0))) / batchesPerUpdate;
        double momentumOfThis = settings.momentum == 0 ? 0 : settings.momentum * direction.dot(batch.memory(1));
        meanGradient(batch);
        double slopeOfMean = batchesPerUpdate == 1 ? slopeOfThis : direction.dot(direction);
        double momentumOfMean = momentumOfThis;
        if (settings.momentum != 0) {
            momentumOfMean = settings.momentum * direction.dot(batch.memory(1));
            direction.add(settings.momentum, batch.memory(1));
        }
        norm = direction.norm();
        slopes = -batchesPerUpdate * (slopeOfMean + momentumOfMean) / norm;
        measuredSlopes = -(slopeOfThis + momentumOfThis) / norm;
        return direction;
    }

    /** Whether the search direction descends and, for the authors' code, has a norm that it measures along. */
    private boolean isMeasurable() {
        return slopes < 0 && (!settings.published || norm >= PUBLISHED_MIN_NORM && norm <= PUBLISHED_MAX_NORM);
    }

    private void accumulate(TrainingBatch batch) {
        if (collected == 1) {
            batch.memory(0).assign(batch.gradient());
        } else {
            batch.memory(0).add(1, batch.gradient());
        }
    }

    /** Turns batch.direction(), the gradient of the last of k batches, into the mean of their gradients. */
    private void meanGradient(TrainingBatch batch) {
        if (batchesPerUpdate > 1) {
            batch.direction().add(1, batch.memory(0));
            batch.direction().scale(1.0 / batchesPerUpdate);
        }
    }

    private void measure(Losses losses, Vector along) {
        if (settings.published) {
            for (Losses earlier : kept) {
                measureAllPoints(earlier, along);
            }
            measureAllPoints(losses, along);
            kept.clear();
        } else {
            lossesAtMeasuringStep += losses.loss(settings.measuringStep / norm, along);
            lossesAtStart += losses.loss(0, along);
        }
    }

    private void measureAllPoints(Losses losses, Vector along) {
        lossesAtFirst += losses.loss(PUBLISHED_FIRST_POINT / norm, along);
        lossesAtMeasuringStep += losses.loss(settings.measuringStep / norm, along);
        lossesAtStart += losses.loss(0, along);
    }

    /** Lays the parabola through the measurements and keeps the step it implies. */
    private Outcome conclude() {
        Parabola parabola = settings.published ? publishedParabola() : parabola();
        if (!parabola.isFinite()) {
            return Double.isNaN(step) ? Outcome.NOT_FINITE : Outcome.REUSED;
        }
        if (parabola.hasMinimumAhead()) {
            return keep(settings.stepAdaptation * parabola.minimum(), Outcome.MINIMUM);
        }
        if (!parabola.descends()) {
            return Outcome.NO_DESCENT;
        }
        return Double.isNaN(step) ? keep(settings.measuringStep, Outcome.DOWNHILL) : Outcome.DOWNHILL;
    }

    /** Slope from all search batches; curvature from those whose loss was measured, with their own slope. */
    private Parabola parabola() {
        int measured = collected - batchesPerUpdate + 1;
        double rise = (lossesAtMeasuringStep - lossesAtStart) / measured;
        double curvature = Parabola.through(rise, measuredSlopes / measured, settings.measuringStep).curvature;
        return new Parabola(slopes / collected, curvature);
    }

    private Parabola publishedParabola() {
        double h = PUBLISHED_FIRST_POINT;
        double mu = settings.measuringStep;
        double near = (lossesAtFirst / collected - lossesAtStart / collected) / h;
        double far = (lossesAtMeasuringStep / collected - lossesAtFirst / collected) / (mu - h);
        double middle = (h * far + (mu - h) * near) / mu;
        return new Parabola(near, (middle - near) / (2 * h));
    }

    private Outcome keep(double measured, Outcome outcome) {
        double bounded = Math.min(Math.max(measured, SMALLEST_STEP), settings.maxStep);
        double rate = Math.max(bounded / norm, SMALLEST_STEP);
        if (publishedUpdates() > settings.untrustedUpdates) {
            steps[trusted % steps.length] = bounded;
            rates[trusted % rates.length] = rate;
            trusted++;
            int count = Math.min(trusted, steps.length);
            step = Arrays.stream(steps, 0, count).sum() / count;
            learningRate = Arrays.stream(rates, 0, count).sum() / count;
        } else {
            step = bounded;
            learningRate = rate;
        }
        return measured > settings.maxStep ? Outcome.MAXIMUM_STEP : outcome;
    }

    private Step train(TrainingBatch batch) {
        collected++;
        if (collected < batchesPerUpdate) {
            accumulate(batch);
            return Step.chosen(0, step, Outcome.ACCUMULATED);
        }
        meanGradient(batch);
        if (settings.momentum != 0) {
            batch.direction().add(settings.momentum, batch.memory(1));
            batch.memory(1).assign(batch.direction());
        }
        collected = 0;
        return update(batch, Outcome.REUSED);
    }

    /** Moves along batch.direction() with the kept step. */
    private Step update(TrainingBatch batch, Outcome outcome) {
        updates++;
        if (!settings.normalized && settings.published) {
            return Step.chosen(learningRate, step, outcome);
        }
        double length = batch.direction().norm();
        if (!Double.isFinite(length)) {
            return Step.chosen(0, step, Outcome.NOT_FINITE);
        }
        if (length == 0) {
            return Step.chosen(0, step, outcome);
        }
        double rate = step / length;
        return Step.chosen(settings.normalized ? rate : Math.min(learningRate, LONGEST_UPDATE * rate), step, outcome);
    }

    @Override
    public void state(Scalars scalars) {
        batches = scalars.next(batches);
        lastSearch = scalars.next(lastSearch);
        updates = scalars.next(updates);
        batchesPerUpdate = scalars.next(batchesPerUpdate);
        scheduleEntry = scalars.next(scheduleEntry);
        batchSize = scalars.next(batchSize);
        searching = scalars.next(searching);
        collected = scalars.next(collected);
        norm = scalars.next(norm);
        slopes = scalars.next(slopes);
        measuredSlopes = scalars.next(measuredSlopes);
        lossesAtStart = scalars.next(lossesAtStart);
        lossesAtFirst = scalars.next(lossesAtFirst);
        lossesAtMeasuringStep = scalars.next(lossesAtMeasuringStep);
        step = scalars.next(step);
        learningRate = scalars.next(learningRate);
        trusted = scalars.next(trusted);
        scalars.next(steps);
        scalars.next(rates);
    }

    @Override
    public int memoryVectors() {
        return settings.momentum == 0 ? 1 : 2;
    }
}
