package io.github.dl4jstepsize.rule;

/**
 * One iteration of a training loop, as a rule sees it: the loss and gradient of this mini-batch, the direction in which
 * the parameters are about to move, and vectors that outlive the iteration.
 */
public interface TrainingBatch extends Losses {

    /** The {@link #ignorance()} below which a network has been trained before: zoo-examples/experiments/30-fine-tuning.txt. */
    double TRAINED_BEFORE = 0.5;

    /** The mean loss, regularisation included, that the training pass computed (DL4J's score). */
    double loss();

    /**
     * The mean gradient after clipping, L1 and L2. The same vector as {@link #direction()} where the base updater is
     * plain gradient descent; for methods that declare it, the base updater's running average of the gradients instead.
     * A rule must not write to it, except where its updater declares that it has to be kept beside the direction: then
     * it is a copy of this rule's own.
     */
    Vector gradient();

    /**
     * What the base updater made of the gradient. The parameters move by {@code -learningRate * direction} when the
     * rule returns; a rule may overwrite the direction before it does.
     */
    Vector direction();

    /**
     * A vector that keeps its content from one iteration to the next and is saved with the network; zero at first.
     *
     * @param index 0 to {@link StepRule#memoryVectors()} - 1
     */
    Vector memory(int index);

    /** A vector for intermediate results, whose content does not outlive the iteration; anything at first. */
    Vector scratch();

    /** The parameters, as they are before the step. A rule must not write to them. */
    Vector parameters();

    /** Whether the network has constraints, as of a largest norm, that change the parameters once more after the step. */
    boolean isConstrained();

    /** Changes a point in the space of the parameters as those are going to be changed after the step. */
    void constrain(Vector point);

    /**
     * Writes for each parameter s/sqrt(3 n), the natural size of weights in its place, as {@link Fan} defines it. The result
     * depends on the batch: make it once and remember it.
     */
    void weightScale(Vector result);

    /**
     * The root mean square of the network's inputs, where some are far larger than most and the units that read them as large as
     * they are, as {@link Fan} defines it; at least 1. The result depends on the batch: ask once and remember it.
     */
    double inputSize();

    /**
     * The part of the loss, without regularisation, that a network which knows nothing would have that this one has; of several
     * outputs the one of which it is largest. The loss of ignorance is that with the weights of the output layers (or of those
     * before a loss without parameters) at 0, and their biases as they are: a user may have put into them how often a class is,
     * or the mean of the targets. Or, if it is less, that with the labels of other examples of the batch. NaN if an output is a
     * merge of several layers'. Of a training's first iteration, if its rule {@link StepRule#asksForIgnorance asks for
     * it}, otherwise NaN: it takes three forward passes.
     */
    double ignorance();

    /**
     * Weight decay: adds a part of the parameters to the direction, those aside that no inputs are multiplied with (biases,
     * the gains of normalizations), or that are frozen.
     */
    void decayWeights(double part);

    /**
     * The base updater's running average of squared gradients, without correction of its bias, for methods that declare
     * it. A rule must not write to it.
     */
    Vector squaredGradient();

    /**
     * A factor by which the step is going to be multiplied, because the training approaches its end: 1 at first, and always
     * if nobody knows how long the training will be. Rules need not look at it, except those that do it themselves: see
     * {@link StepRule#decaysByItself()}.
     */
    double decay();

    /** That of the iteration after this one: 0 at the planned end of the training, and beyond it. */
    double nextDecay();

    /**
     * A factor for small batches: 1 or, if this batch has less than half the examples of the one before, the ratio of the two.
     * An epoch's last batch, if it is a small one, then moves the parameters in proportion to its size.
     */
    double share();

    /**
     * Whether epochs are over the same data, as far as it is known: not before half of the first examples have come again. To be
     * asked once in an iteration, which until then, or until the fifth epoch is over, costs a sum over the batch's inputs.
     */
    boolean repeatsData();

    /** Whether somebody knows how long the training will be, so that the steps decay until then. */
    boolean decays();

    /** Number of examples in this batch. */
    int size();

    /** Iterations in an epoch as counted in the last complete one, 0 before the first is complete. */
    int batchesPerEpoch();

    /** Complete epochs before this iteration. */
    int epochs();

    /** Examples in an epoch as counted in the last complete one, 0 before the first is complete. */
    int examplesPerEpoch();

    /**
     * Runs the training pass again, forward and backward, on each of {@code parts} parts of this batch at
     * {@code parameters - step * along}. Only for rules whose direction is the gradient itself. Parameters, gradient,
     * random numbers and running statistics are back in place on return.
     *
     * @param step     0 for the parameters themselves
     * @param along    may be null where the step is 0
     * @param parts    number of parts, which have the same number of examples or one more; at most {@link #size()}
     * @param consumer is given each part's size, mean loss and mean gradient, regularisation included but before
     *                 clipping; the gradient is a vector that is lent for the call and takes the place of
     *                 {@link #direction()} meanwhile. {@link #gradient()} is that of the whole batch then, too, if it is asked
     *                 for within the call: a vector that it returned before may be the one that is lent
     */
    void gradients(double step, Vector along, int parts, GradientConsumer consumer);

    /** Takes the loss and gradient of a part of a batch. */
    interface GradientConsumer {
        void accept(int size, double loss, Vector gradient);
    }

    /**
     * This batch, copied, for use in later iterations, while the parameters are still the same. The copy is not saved
     * with the network.
     */
    Losses keep();
}
