package io.github.dl4jstepsize.rule;

import java.util.function.IntFunction;

/**
 * Schedule-free averaging of FAN's steps: the gradient is taken near the average of the iterates, so that the average is as
 * good at any time as the end of a training whose length was known.
 * <pre>
 *   d = s g / (sqrt(v_hat) + epsilon) / sqrt(3 n) + k y      g, v_hat at y; s, n, r', L and the weight decay k as in {@link Fan}
 *   f = max(1, max(L) / (100 L))                             up to 1e12
 *   q = 16 L / sum(s sqrt(v_hat) / sqrt(3 n))  if f &gt; 1, otherwise r'
 *   u = min(1, u + 1/warmUp), twice that if -d.(z - y) &gt; 0.6 |d|^2 p                    u = 0 at first
 *   w = u^2 sqrt(t)                      c = max(w / sum(w), w f^2 / sum(w f^2))
 *   e = min(1, 20 decay)                 1, but at the end of a training whose length is known; e' that of the next iteration
 *   a = max(0.03, i^2)                   if i &lt; 1/2 in a first batch of 16 examples or more, otherwise 1; i: ignorance
 *   z = z - min(a r', q) u e h d         the iterates; h: {@link TrainingBatch#share}
 *   x = x + c (z - x)                    their average
 *   y = x + (1 - beta) e' (z - x)        the network's parameters: near the average, and at it in the end
 * </pre>
 * u is the warm-up. p is what z - y would be in units of d, had all directions been the same: where those before have, in the
 * direction of this one, which mostly comes from another batch, 0.6 of its length, steps could have been longer, and the warm-up
 * is shortened. Otherwise it would take most of a training of few batches. Where gradients are mostly noise, or layers many,
 * directions do not agree, and it stays as long as it is. A direction that is far shorter than those before, as of a batch whose
 * outputs are mostly masked, agrees with nearly everything; u is at most 1 then, too.
 * <p>
 * Where the network has constraints, z obeys them like y. Of convex ones, as a largest norm, x then does, too.
 * <p>
 * a is for networks that have been trained before. A step that trains from scratch would destroy most of what they know, and few
 * new examples do not bring it back (zoo-examples/experiments/30-fine-tuning.txt). i is the part of the loss of a network that
 * knows nothing which the first batch has: {@link TrainingBatch#ignorance}. In fewer examples it is small by chance, and networks
 * of few inputs may know much by chance: where directions agree, as above, a is doubled, up to 1.
 * <p>
 * Between two epochs the parameters are at x, so that the network is the average when it is evaluated or saved.
 * <p>
 * There is no momentum: beta takes its place. x is not stored, it follows from y and z. The end is the last twentieth where the
 * decay is linear. After it e' is 0: whoever trains on does so at the average.
 * <p>
 * f and q are for trainings without noise, whose loss falls towards 0, to a hundredth and below: then steps get shorter with
 * the loss, and the average forgets the iterates of larger ones, so that the training converges. q is a Polyak step, L/(g.d),
 * with means in the place of one batch's loss and gradient, and 16 times as long; its denominator is measured in every 50th
 * iteration. Where losses rise again, the average goes on by w alone. A noisy training that begins with a
 * loss a hundred times as large gets there, too: then steps are shorter for some 1/(1 - beta2) iterations. A loss that has been
 * negative is not measured from 0: from then on f = 1.
 * <p>
 * Where the losses tell of other data, v and all else begin anew, the weight decay as in the first epoch: what has been learned
 * before would stay in the average for a long time, and steps of the other gradients' size with the v of these would be far too
 * long. That is where 16 losses in a row are suddenly more than 1.5 times the largest mean of 16 in the last epoch, and more
 * than a hundredth of the largest mean loss (zoo-examples/experiments/29-other-data.txt). It is not looked for where epochs have
 * one batch, nor after a negative loss.
 * <p>
 * Three extra passes in the first iteration; two memory vectors, for the scale of the weights and for z, and that of
 * v: one more than Adam in all.
 * <p>
 * Source: A. Defazio et al., "The road less scheduled", 2024, equations 1 to 4 and the AdamW version in Algorithm 1. The
 * weights are those of the published code, with the power 1/2 of t where 0 is its default
 * (zoo-examples/experiments/10-schedule-free.txt). Departures: FAN's scale and weight decay; a warm-up that directions shorten
 * (zoo-examples/experiments/18-agreement.txt; that successive gradients tell whether a step could have been longer: A. G. Baydin
 * et al., "Online learning rate adaptation with hypergradient descent", 2018); q and the loss in the weights
 * (zoo-examples/experiments/11-loss-towards-zero.txt; the stochastic Polyak step is by N. Loizou et al., "Stochastic Polyak
 * step-size for SGD", 2021); and the end e, without which the parameters would stop at a distance (1 - beta)|z - x| from the
 * average (zoo-examples/experiments/12-known-length.txt). The weights do not follow it, so that the last, shortest steps
 * count. The paper's bounds are for convex losses.
 */
public final class ScheduleFree implements StepRule {

    /**
     * The part of a direction's length that those before have in it, if they agree. This and the next: see
     * zoo-examples/experiments/18-agreement.txt.
     */
    private static final double AGREEMENT = 0.6;
    /** By what steps get longer then. */
    private static final double GROWTH = 2;
    /** One over the decay below which steps get shorter and the parameters go to the average. */
    private static final double END = 20;
    /** This and the next: as in zoo-examples/experiments/30-fine-tuning.txt. */
    private static final int FEWEST_EXAMPLES = 16;
    private static final double LEAST_CAUTION = 0.03;
    /** Polyak steps in q. This and the next two: see zoo-examples/experiments/11-loss-towards-zero.txt. */
    private static final double FRACTION = 16;
    /** The part of the largest mean loss below which f and q count, and no loss tells of other data. */
    private static final double LITTLE = 0.01;
    /** Iterations from one measurement of q's denominator to the next. */
    private static final int MEASURE_EVERY = 50;

    private final Fan fan;
    private final ChangeDetector data = new ChangeDetector();
    private final double beta;
    private final double beta2;
    private final int warmUp;

    /** a. */
    private double caution;
    /** u. */
    private double warmth;
    /** What z - x would be in units of d, had all directions been the same. */
    private double lag;
    /** The denominator of q, from the last measurement; 0 before there is one. */
    private double roots;
    /** With and without f in them. */
    private double sumOfWeights;
    private double sumByTime;
    /** (1 - beta) e': the part of y, or of the parameters, that is z; 0 where they are at x between two epochs. */
    private double part;
    /** What it is when the next epoch begins; 0 within one. */
    private double partOfNextEpoch;

    /**
     * @param step        r
     * @param beta        greater than 0 and less than 1
     * @param beta2       decay of the base updater's squared gradients
     * @param warmUp      iterations until the step has its full length, at most; 1 for none
     * @param weightDecay per complete epoch; 0 for none
     */
    public ScheduleFree(double step, double beta, double beta2, int warmUp, double weightDecay) {
        this.fan = new Fan(step, 1, weightDecay, beta2);
        this.beta = beta;
        this.beta2 = beta2;
        this.warmUp = warmUp;
    }

    @Override
    public boolean beginsAnew(double loss, int batchesPerEpoch, int timesBefore) {
        double largest = fan.meanLoss().largest();
        return batchesPerEpoch != 1 && !Double.isNaN(largest)
                && data.isChanged(loss, LITTLE * largest, batchesPerEpoch, timesBefore);
    }

    @Override
    public boolean asksForIgnorance(int examples) {
        return examples >= FEWEST_EXAMPLES;
    }

    @Override
    public Step step(TrainingBatch batch) {
        Vector z = batch.memory(1);
        Vector direction = batch.direction();
        if (fan.steps() == 0) {
            batch.weightScale(batch.memory(0));
            z.assign(batch.parameters());
            double ignorance = batch.ignorance();
            caution = ignorance < TrainingBatch.TRAINED_BEFORE ? Math.max(LEAST_CAUTION, ignorance * ignorance) : 1;
        }
        fan.direct(batch);
        warmUp(batch);
        double fall = fan.meanLoss().fallBelow(LITTLE);
        double longest = caution * fan.length(batch);
        double length = fall > 1 ? bounded(batch, longest) : longest;
        double stepSize = length * warmth;
        double rate = stepSize * end(batch.decay()) * batch.share();
        double c = weight(fall);
        lag = (1 - c) * (lag + rate);
        double nextPart = (1 - beta) * end(batch.nextDecay());

        // With x = (y - part z)/(1 - part), the next y is a y - a part z + (1 - a (1 - part)) z'.
        double a = (1 - nextPart) * (1 - c) / (1 - part);
        z.add(-rate, direction);
        direction.scale(a * part * rate);
        if (batch.isConstrained()) {
            // As if the step had led to where z is then.
            direction.add(a * part, z);
            batch.constrain(z);
            direction.add(-a * part, z);
        }
        direction.add(1 - a, batch.parameters());
        direction.add(a - 1, z);
        part = nextPart;
        partOfNextEpoch = 0;
        return Step.chosen(rate, stepSize, length < longest ? Outcome.LINEARIZED : Outcome.CONSTANT).moving(1);
    }

    /** u and a, from the direction of this batch. */
    private void warmUp(TrainingBatch batch) {
        if (warmth == 1 && caution == 1) {
            return;
        }
        warmth = Math.min(1, warmth + 1.0 / warmUp);
        if (lag > 0) {
            Vector direction = batch.direction();
            double along = -direction.dotDifference(batch.memory(1), batch.parameters());
            if (along > AGREEMENT * direction.dot(direction) * (1 - part) * lag) {
                warmth = Math.min(1, GROWTH * warmth);
                caution = Math.min(1, GROWTH * caution);
            }
        }
    }

    /** e. */
    private static double end(double decay) {
        return Math.min(1, END * decay);
    }

    /** min(r', q). */
    private double bounded(TrainingBatch batch, double longest) {
        if (roots == 0 || fan.steps() % MEASURE_EVERY == 1) {
            roots = batch.memory(0).dotRoot(batch.squaredGradient()) / Math.sqrt(1 - Math.pow(beta2, fan.steps()));
        }
        double polyak = FRACTION * fan.meanLoss().value() / roots;
        // Not a number where loss and gradients are 0.
        return polyak < longest ? polyak : longest;
    }

    /** Whether f has ever counted. */
    boolean fell() {
        return roots > 0;
    }

    /** c, the part of the average that the new iterate is. */
    private double weight(double fall) {
        double byTime = warmth * warmth * Math.sqrt(fan.steps());
        double weight = byTime * fall * fall;
        sumByTime += byTime;
        sumOfWeights += weight;
        return Math.max(byTime / sumByTime, weight / sumOfWeights);
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    @Override
    public boolean decaysByItself() {
        return true;
    }

    @Override
    public boolean averages() {
        return true;
    }

    @Override
    public void average(Vector parameters, IntFunction<Vector> memory) {
        if (!isAtAverage()) {
            parameters.scale(1 / (1 - part));
            parameters.add(-part / (1 - part), memory.apply(1));
        }
    }

    @Override
    public boolean isAtAverage() {
        return part == 0;
    }

    @Override
    public void goToAverage(Vector parameters, IntFunction<Vector> memory) {
        average(parameters, memory);
        partOfNextEpoch = part;
        part = 0;
    }

    @Override
    public void leaveAverage(Vector parameters, IntFunction<Vector> memory) {
        if (partOfNextEpoch > 0) {
            part = partOfNextEpoch;
            partOfNextEpoch = 0;
            parameters.scale(1 - part);
            parameters.add(part, memory.apply(1));
        }
    }

    /** The scale of the weights, and z. */
    @Override
    public int memoryVectors() {
        return 2;
    }

    @Override
    public void state(Scalars scalars) {
        fan.state(scalars);
        data.state(scalars);
        caution = scalars.next(caution);
        warmth = scalars.next(warmth);
        lag = scalars.next(lag);
        roots = scalars.next(roots);
        sumByTime = scalars.next(sumByTime);
        sumOfWeights = scalars.next(sumOfWeights);
        part = scalars.next(part);
        partOfNextEpoch = scalars.next(partOfNextEpoch);
    }
}
