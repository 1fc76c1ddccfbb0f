package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Losses;
import io.github.dl4jstepsize.rule.TrainingBatch;
import io.github.dl4jstepsize.rule.Vector;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.regularization.Regularization;

import java.util.List;
import java.util.stream.IntStream;

/** A network's iteration as a rule sees it. */
final class NetworkBatch implements TrainingBatch {

    private final ForwardPass forwardPass;
    private final Trials trials;
    private final NetworkVectors vectors;
    private final BlockVector[] memory;
    private final BlockVector gradient;
    private final BlockVector squaredGradient;
    private final Progress progress;
    private final StepDecay decay;
    private final boolean constrained;
    /** What belongs to the blocks of the gradient before passes on parts of a batch; made when a rule asks for it. */
    private BlockVector gradientBeforeParts;

    // Of the iteration that is under way.
    private int iteration;
    private int epoch;
    private int size;
    private double loss;
    private double ignorance;

    /**
     * @param memory          of the rule
     * @param gradient        the direction itself, or the copy of the gradient that is kept
     * @param squaredGradient null if the base updater has none
     */
    NetworkBatch(ForwardPass forwardPass, Trials trials, NetworkVectors vectors, BlockVector[] memory, BlockVector gradient,
                 BlockVector squaredGradient, Progress progress, StepDecay decay) {
        this.forwardPass = forwardPass;
        this.trials = trials;
        this.vectors = vectors;
        this.memory = memory;
        this.gradient = gradient;
        this.squaredGradient = squaredGradient;
        this.progress = progress;
        this.decay = decay;
        constrained = forwardPass.isConstrained();
    }

    /**
     * Called when the training pass is complete, before the base updaters: an exception leaves no trace.
     *
     * @param asked whether the rule is going to look at it
     */
    void measureIgnorance(boolean asked) {
        ignorance = asked ? trials.ignorance() : Double.NaN;
    }

    /** Called when the direction of an iteration is there. */
    void begin(int iteration, int epoch, int size) {
        this.iteration = iteration;
        this.epoch = epoch;
        this.size = size;
        loss = forwardPass.score();
    }

    @Override
    public double loss() {
        return loss;
    }

    @Override
    public double loss(double step, Vector along) {
        return trials.objective().loss(step, along);
    }

    @Override
    public Losses differentiated() {
        return trials.differentiated();
    }

    @Override
    public Vector gradient() {
        if (!trials.inParts()) {
            return gradient;
        }
        if (gradientBeforeParts == null) {
            INDArray backup = trials.gradientBackup();
            gradientBeforeParts = vectors.of(backup.reshape(backup.length()));
        }
        return gradientBeforeParts;
    }

    @Override
    public Vector direction() {
        return vectors.direction();
    }

    @Override
    public Vector memory(int index) {
        return memory[index];
    }

    @Override
    public Vector scratch() {
        return vectors.scratch();
    }

    @Override
    public Vector parameters() {
        return vectors.parameters();
    }

    @Override
    public void weightScale(Vector result) {
        result.assign(vectors.of(WeightScale.of(vectors.variables(), vectors.flatParameters(), forwardPass)));
    }

    @Override
    public double inputSize() {
        return InputSize.ofLargeUnits(vectors.trained(), forwardPass);
    }

    @Override
    public double ignorance() {
        return ignorance;
    }

    @Override
    public void decayWeights(double part) {
        vectors.decayWeights(part);
    }

    @Override
    public boolean isConstrained() {
        return constrained;
    }

    @Override
    public void constrain(Vector point) {
        trials.at(point, () -> {
            forwardPass.applyConstraints(iteration, epoch);
            point.assign(vectors.parameters());
        });
    }

    @Override
    public Vector squaredGradient() {
        return squaredGradient;
    }

    @Override
    public double decay() {
        return decay.factor();
    }

    @Override
    public double nextDecay() {
        return decay.nextFactor();
    }

    @Override
    public boolean decays() {
        return decay.decays();
    }

    @Override
    public double share() {
        return progress.share();
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int batchesPerEpoch() {
        return progress.batchesPerEpoch();
    }

    @Override
    public int epochs() {
        return progress.epochs();
    }

    @Override
    public boolean repeatsData() {
        if (progress.repetition.isLooking()) {
            progress.repetition.look(marksOfExamples());
        }
        return progress.repetition.isFound();
    }

    /** The sum of each example's inputs, weighted by sin(1), sin(2) ...: that of others, one-hot ones too, is another. */
    private double[] marksOfExamples() {
        INDArray[] inputs = forwardPass.current().features;
        INDArray marks = Nd4j.zeros(DataType.DOUBLE, inputs[0].size(0), 1);
        for (INDArray input : inputs) {
            if (input.size(0) == marks.length()) {
                INDArray rows = input.castTo(DataType.DOUBLE).reshape(input.size(0), input.length() / input.size(0));
                double[] weights = IntStream.rangeClosed(1, rows.columns()).mapToDouble(Math::sin).toArray();
                marks.addi(rows.mmul(Nd4j.createFromArray(weights).reshape(weights.length, 1)));
            }
        }
        return marks.toDoubleVector();
    }

    @Override
    public int examplesPerEpoch() {
        return progress.examplesPerEpoch();
    }

    @Override
    public void gradients(double step, Vector along, int parts, GradientConsumer consumer) {
        if (!forwardPass.layers()[0].conf().isMiniBatch()) {
            throw new IllegalStateException("a method that compares parts of a batch by their means, as PlsUpdater does, cannot"
                    + " train with miniBatch(false), which makes sums of them: leave out miniBatch(false)");
        }
        trials.gradients(step, along, parts, size, (examples, partLoss) -> {
            vectors.direction().scale(1.0 / examples);
            regularize();
            consumer.accept(examples, partLoss, vectors.direction());
        });
    }

    /** Adds to the gradient what DL4J's pipeline adds for L1, L2 and weight decay, but nothing to what is frozen. */
    private void regularize() {
        for (ParamState variable : vectors.trained()) {
            List<Regularization> all = variable.getLayer().getConfig().getRegularizationByParam(variable.getParamName());
            if (all != null) {
                all.forEach(one -> one.apply(variable.getParamView(), variable.getGradView(), 1.0, iteration, epoch));
            }
        }
    }

    @Override
    public Losses keep() {
        return trials.keep();
    }
}
