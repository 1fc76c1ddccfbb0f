package io.github.dl4jstepsize.rule;

/**
 * FAN, a step that follows from the network's shape and the sizes of its inputs and targets: every weight moves by a fixed
 * part of the size that weights of its layer have, which s/sqrt(n) tells.
 * <pre>
 *   d = s m_hat / (sqrt(v_hat) + epsilon) / sqrt(3 n)        Adam's direction, made by the base updater
 *   n = fan_in                                               biases and gains: that of the weights before them, the
 *                                                            largest one of several
 *       0.2 fan_in                                           weights of an LSTM's outputs, recurrent ones included
 *       max(0.1, fan_in/positions, sum of (x/f)^2)           weights of the network's inputs x; mean over the first batch,
 *                                                            which has positions = examples times steps of time; at most
 *                                                            fan_in where an LSTM reads them
 *       times f^2, f = max(1, x_rms/median)                  those of a table's columns, root mean square of each, zeros aside,
 *                                                            if the largest is beyond sqrt(10) medians; not of gates,
 *                                                            lookups and convolutions
 *       1/(3 mean of w^2)                                    weights w whose size a normalization undoes, as they are in the
 *                                                            first iteration; at most 100 fan_in
 *       at most 2/(mean of w^2)                              weights w that a normalization follows behind another activation
 *       times max(1, (depth - 2)/4)^2                        all but weights before a normalization; depth: the most layers with
 *                                                            weights to train that follow one another without one between
 *                                                            them, hidden layers with a sigmoid aside
 *   s = max(1, sqrt(mean of (y - b)^2))                      weights and bias of an output unit that is not bounded, y its
 *                                                            targets in the first batch, b its bias; otherwise 1
 *   k = min(weightDecay epochs, 0.1 min(1, 12/batches))      complete epochs since the first step, and batches in each, more than
 *                                                            one; 0 for biases and gains
 *       times min(1, 20 L / max(L))                          L: mean loss, with the decay of v
 *       over sqrt(max(1, x_rms))                             root mean square of the network's inputs in the first batch, where
 *                                                            f &gt; 1 for some, the hidden units that read them let large numbers
 *                                                            through, and no normalization follows; otherwise 1
 *   r' = r min(1, examples/32)^0.75                          examples of the batch, or of the one before if this has less than
 *                                                            half as many; r where an epoch is one batch
 *   parameters -= min(1, t/warmUp) r' h (d + k parameters)   h: {@link TrainingBatch#share}
 * </pre>
 * A step that the listener is going to decay is half as long again, 1.5 r'.
 * <p>
 * The weight decay grows with every pass over the same data: what one pass teaches is new, what fifty passes teach is
 * more and more the noise in these examples. Of many examples it takes more passes, so that a whole pass decays the weights by
 * the same part at most, however many batches it has. It is made in every eighth iteration, for all eight. Where nobody counts
 * epochs, in a loop of {@code fit(DataSet)}, there is none, nor where an epoch is one batch, or is not known to have the data of
 * another ({@link TrainingBatch#repeatsData}). Without noise weight decay only
 * does harm: it left 8 % of a smooth curve's variance unexplained. So it gets weaker where the mean loss falls below a
 * twentieth of its largest (zoo-examples/experiments/21-tutorials.txt), unless losses are negative. Of a table with
 * columns in different units, rectifiers and their like make large units, and weights that were drawn for small ones are much too
 * large. The steps that have to make up for it are so many times shorter; the weight decay would bring all weights near 0 before
 * (zoo-examples/experiments/26-large-inputs.txt, which has also why not for inputs that are all large).
 * <p>
 * The gradient of few examples is mostly noise, of which Adam makes steps of full length. Theory shortens them with the square
 * root of the batch; 0.75 is what noisy labels asked for, and cost little elsewhere. Where nobody counts epochs, a full batch of
 * few examples is taken for a small one. Examples are counted whatever the number of their labels: a sequence or an image
 * with a label at every place is one.
 * <p>
 * Measures nothing; no extra pass, and one vector for the scale of the weights beside Adam's two.
 * <p>
 * Source: this project's measurements, zoo-examples/experiments/02-fan-step.txt and later ones. The scale is the standard
 * deviation of weights drawn uniformly from [-1/sqrt(fan_in), 1/sqrt(fan_in)] (Y. LeCun et al., "Efficient BackProp", 1998),
 * which supposes inputs of mean square 1: n is what makes up for others, for words as one of many, pixels from 0 to 255, and a
 * gate times a hyperbolic tangent. (Not for pixels from 0 to 255 that an LSTM reads: they saturate its gates, and shorter steps
 * would not open them, zoo-examples/experiments/19-gates.txt.) f makes up for columns of a table in different units
 * (zoo-examples/experiments/24-columns.txt and 28-columns-again.txt). Of weights before a BatchNormalization, with nothing but
 * identities, rectifiers, pooling and padding in one or two dimensions, or dropout between, only the direction counts: the same r
 * turns it by the same angle. So it is, not measured, in a DenseLayer with a layer normalization. Behind other layers it holds in
 * part (zoo-examples/experiments/16-normalized-weights.txt; T. van Laarhoven, "L2 regularization versus batch and weight
 * normalization", 2017, has the effective step of such weights). Without a normalization the changes of layers that follow one
 * another multiply, so that each may only change in inverse proportion to their number (J. Bernstein et al., "On the distance
 * between two neural networks and the stability of learning", 2020; zoo-examples/experiments/20-depth.txt). s makes up for
 * targets in thousands, whatever the loss (zoo-examples/experiments/13-size-of-targets.txt), and r' for the noise of small
 * batches (zoo-examples/experiments/14-small-batches.txt; the theory of the square root is in S. Malladi et al., "On the SDEs
 * and scaling rules for adaptive gradient algorithms", 2022). There is no convergence theory: a constant r needs a decay or an
 * average towards the end.
 */
public final class Fan implements StepRule {

    /** A step that falls to 0 is half as long on average as one that does not; see zoo-examples/experiments/22-defaults.txt. */
    private static final double IF_DECAYING = 1.5;
    /** Iterations from one weight decay to the next, to spare the pass over the parameters. */
    private static final int DECAY_EVERY = 8;
    /** What 353 examples took in 60 epochs; see zoo-examples/experiments/05-weight-decay.txt and 10-schedule-free.txt. */
    private static final double STRONGEST_DECAY = 0.1;
    /** Those that they made in an epoch; see zoo-examples/experiments/33-long-trainings.txt. */
    private static final double FEW_BATCHES = 12;
    /** The part of the largest mean loss below which weight decay gets weaker: see zoo-examples/experiments/21-tutorials.txt. */
    private static final double LEARNED = 0.05;
    /** Examples from which on steps have their full length. This and the next: zoo-examples/experiments/14-small-batches.txt. */
    private static final double SMALL_BATCH = 32;
    /** Of the part of them that a smaller batch has. */
    private static final double POWER = 0.75;
    /** A bias below single precision's is not corrected. */
    private static final double NEGLIGIBLE = 1e-8;

    private final double step;
    private final int warmUp;
    private final double weightDecay;
    private final double momentum;
    private final MeanLoss meanLoss;

    private int steps;
    /** max(1, x_rms). */
    private double inputSize;
    /** Complete ones before this rule's first iteration: they were on other data, or made by another rule. */
    private int epochsBefore;

    /**
     * @param step        r
     * @param warmUp      iterations until the step has its full length; 1 for none
     * @param weightDecay per complete epoch; 0 for none
     * @param beta2       decay of the base updater's squared gradients
     */
    public Fan(double step, int warmUp, double weightDecay, double beta2) {
        this(step, warmUp, weightDecay, 0, beta2);
    }

    /** @param momentum beta1 for a base updater without one: then d is the average of g / (sqrt(v_hat) + epsilon) */
    Fan(double step, int warmUp, double weightDecay, double momentum, double beta2) {
        this.step = step;
        this.warmUp = warmUp;
        this.weightDecay = weightDecay;
        this.momentum = momentum;
        this.meanLoss = new MeanLoss(beta2);
    }

    @Override
    public Step step(TrainingBatch batch) {
        if (steps == 0) {
            batch.weightScale(batch.memory(0));
        }
        return scaledStep(batch);
    }

    /** As {@link #step}, where the scale of the weights is in memory already. */
    Step scaledStep(TrainingBatch batch) {
        direct(batch);
        double rate = length(batch) * (batch.decays() ? IF_DECAYING : 1) * warmedUp();
        return Step.chosen(rate, rate, Outcome.CONSTANT);
    }

    /** r'. */
    double length(TrainingBatch batch) {
        // A batch of less than half the examples of the one before is shortened by its share already.
        double examples = batch.size() / batch.share();
        return batch.batchesPerEpoch() == 1 ? step : step * Math.pow(Math.min(1, examples / SMALL_BATCH), POWER);
    }

    /** Turns Adam's direction into FAN's, with the scale of the weights that is in memory. */
    void direct(TrainingBatch batch) {
        if (steps == 0) {
            inputSize = batch.inputSize();
            epochsBefore = batch.epochs();
        }
        meanLoss.add(batch.loss());
        steps++;
        batch.direction().multiply(batch.memory(0));
        if (momentum > 0) {
            average(batch.direction(), batch.memory(1));
        }
        double decay = weightDecay(batch);
        if (decay > 0 && steps % DECAY_EVERY == 0) {
            batch.decayWeights(DECAY_EVERY * decay / (meanLoss.fallBelow(LEARNED) * Math.sqrt(inputSize)));
        }
    }

    private double weightDecay(TrainingBatch batch) {
        int batches = batch.batchesPerEpoch();
        if (weightDecay == 0 || !batch.repeatsData() || batches == 1) {
            return 0;
        }
        return Math.min(weightDecay * (batch.epochs() - epochsBefore), STRONGEST_DECAY * Math.min(1, FEW_BATCHES / batches));
    }

    private void average(Vector direction, Vector average) {
        average.scale(momentum);
        average.add(1 - momentum, direction);
        direction.assign(average);
        double missing = Math.pow(momentum, steps);
        if (missing > NEGLIGIBLE) {
            direction.scale(1 / (1 - missing));
        }
    }

    MeanLoss meanLoss() {
        return meanLoss;
    }

    /** Iterations so far, with the one that is under way. */
    int steps() {
        return steps;
    }

    /** The part of the step that the warm-up allows, up to 1. */
    private double warmedUp() {
        return Math.min(1, steps / (double) warmUp);
    }

    @Override
    public boolean looksAhead() {
        return false;
    }

    /** The scale of the weights, and the average of the directions if there is momentum. */
    @Override
    public int memoryVectors() {
        return momentum > 0 ? 2 : 1;
    }

    @Override
    public void state(Scalars scalars) {
        steps = scalars.next(steps);
        inputSize = scalars.next(inputSize);
        epochsBefore = scalars.next(epochsBefore);
        meanLoss.state(scalars);
    }
}
