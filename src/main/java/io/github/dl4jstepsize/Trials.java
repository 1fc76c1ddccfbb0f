package io.github.dl4jstepsize;

import io.github.dl4jstepsize.rule.Losses;
import io.github.dl4jstepsize.rule.Vector;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

import java.util.List;
import java.util.function.Supplier;

/**
 * Looks at a network's loss and gradient beside its parameters, with the random numbers of the training pass. Parameters,
 * gradient and random stream are as they were afterwards, to the bit, also when something throws.
 */
final class Trials {

    private final ForwardPass forwardPass;
    private final INDArray parameters;
    private final BlockVector parameterVector;
    /** The parameters before the iteration's step; allocated when somebody looks beside them for the first time. */
    private INDArray backup;
    /** The whole network's gradient before passes on parts of a batch; allocated for the first of them. */
    private INDArray gradientBackup;

    private RandomState beforeTraining;
    private RandomState afterTraining;
    private boolean startIsKnown;

    // Of the iteration that is under way, or was last.
    private Line objective;
    private Line differentiated;
    private boolean backedUp;
    private boolean displaced;
    private boolean inParts;
    /** Whether a trial has drawn the same random numbers as the training pass; null before the first trial. */
    private Boolean repeatable;
    private int forwardPasses;
    private int gradientPasses;

    /**
     * @param parameters      the network's flat parameters
     * @param parameterVector those of them that move along lines
     */
    Trials(ForwardPass forwardPass, INDArray parameters, BlockVector parameterVector) {
        this.forwardPass = forwardPass;
        this.parameters = parameters;
        this.parameterVector = parameterVector;
    }

    /** Called when the next thing that draws random numbers in this thread is the training pass. */
    void rememberRandomState() {
        beforeTraining = RandomState.now();
    }

    /**
     * Called when the training pass of an iteration is complete.
     *
     * @param guess where the random stream may have been before it, if nobody remembered; may be null
     */
    void trainingPassDone(RandomState guess) {
        afterTraining = RandomState.now();
        startIsKnown = beforeTraining != null || guess != null;
        if (beforeTraining == null) {
            beforeTraining = guess == null ? afterTraining : guess;
        }
    }

    /** Called when the parameters are those of another iteration. */
    void begin() {
        objective = new Line(forwardPass.objective);
        differentiated = forwardPass.objective == Objective.LOSS ? objective : new Line(Objective.LOSS);
        backedUp = false;
        repeatable = null;
        forwardPasses = 0;
        gradientPasses = 0;
    }

    /** Of this iteration's batch: the objective. */
    Losses objective() {
        return objective;
    }

    /** Of this iteration's batch: the loss. */
    Losses differentiated() {
        return differentiated;
    }

    /** In this iteration. */
    int forwardPasses() {
        return forwardPasses;
    }

    /** In this iteration. */
    int gradientPasses() {
        return gradientPasses;
    }

    /** A copy of this iteration's batch, for later ones. */
    Losses keep() {
        ForwardPass.KeptInput input = forwardPass.keep();
        Losses searched = kept(input, forwardPass.objective);
        Losses differentiated = kept(input, Objective.LOSS);
        return new Losses() {
            @Override
            public double loss(double step, Vector along) {
                return searched.loss(step, along);
            }

            @Override
            public Losses differentiated() {
                return differentiated;
            }
        };
    }

    private Losses kept(ForwardPass.KeptInput input, Objective function) {
        return (step, along) -> evaluate(step, along, () -> forwardPass.value(function, input));
    }

    /** One of the functions that can be looked at along a line. */
    private final class Line implements Losses {

        private final Objective function;
        /** At the current parameters, comparable with the trials'; null as long as it is not known. */
        private Double start;

        private Line(Objective function) {
            this.function = function;
        }

        @Override
        public double loss(double step, Vector along) {
            if (step != 0) {
                return evaluate(step, along, () -> forwardPass.value(function));
            }
            if (start == null) {
                start = isTrainingPassComparable() ? forwardPass.valueOfTraining(function)
                        : evaluate(0, null, () -> forwardPass.value(function));
            }
            return start;
        }
    }

    /**
     * The part of the loss that a network which knows nothing would have that this one has: with the output weights at 0, or if
     * that is less, with the labels of other examples; of the output of which it is largest. NaN if the weights are not known.
     */
    double ignorance() {
        List<INDArray> weights = forwardPass.outputWeights();
        if (weights == null) {
            return Double.NaN;
        }
        double[] losses = evaluate(0, null, forwardPass::losses);
        double[] withOtherLabels = evaluate(0, null, forwardPass::lossesWithOtherLabels);
        double[] withoutWeights = withoutWeights(weights);
        double largest = 0;
        for (int i = 0; i < losses.length; i++) {
            double ofIgnorance = Math.min(withOtherLabels[i], withoutWeights[i]);
            // A loss that can be negative is no part of another.
            largest = Math.max(largest, losses[i] >= 0 && ofIgnorance > 0 ? losses[i] / ofIgnorance : 1);
        }
        return largest;
    }

    private double[] withoutWeights(List<INDArray> weights) {
        Snapshot before = new Snapshot(weights);
        try {
            weights.forEach(array -> array.assign(0));
            return evaluate(0, null, forwardPass::losses);
        } finally {
            before.restore();
        }
    }

    private boolean isTrainingPassComparable() {
        boolean drewNothing = startIsKnown && beforeTraining.isSameAs(afterTraining);
        return forwardPass.scoreIsReproducible() && (repeatable == null ? drewNothing : repeatable);
    }

    private <T> T evaluate(double step, Vector along, Supplier<T> function) {
        try {
            displace(step, along);
            beforeTraining.restore();
            forwardPasses++;
            T value = function.get();
            repeatable = RandomState.now().isSameAs(afterTraining);
            return value;
        } finally {
            afterTraining.restore();
            restore();
        }
    }

    /**
     * Runs the training pass on parts of this iteration's batch. The consumer finds in the gradient view each part's sum of
     * gradients, without regularization.
     *
     * @param size of the batch
     */
    void gradients(double step, Vector along, int parts, int size, PartConsumer consumer) {
        ForwardPass.KeptInput whole = forwardPass.keep();
        INDArray gradientView = forwardPass.gradientView();
        if (gradientBackup == null) {
            gradientBackup = Nd4j.createUninitialized(gradientView.dataType(), gradientView.shape());
        }
        gradientBackup.assign(gradientView);
        gradientPasses++;
        inParts = true;
        try {
            displace(step, along);
            for (int i = 0; i < parts; i++) {
                int from = (int) ((long) i * size / parts);
                int to = (int) ((i + 1L) * size / parts);
                beforeTraining.restore();
                consumer.accept(to - from, forwardPass.gradient(whole.part(from, to)));
            }
        } finally {
            inParts = false;
            afterTraining.restore();
            restore();
            gradientView.assign(gradientBackup);
        }
    }

    /** Takes the loss of a part of a batch. */
    interface PartConsumer {
        void accept(int size, double loss);
    }

    /** Whether the gradient view holds that of a part of the batch. */
    boolean inParts() {
        return inParts;
    }

    /** The whole network's gradient, as it was before that. */
    INDArray gradientBackup() {
        return gradientBackup;
    }

    /** Does something while the parameters are elsewhere. */
    void at(Vector point, Runnable work) {
        backUp();
        try {
            parameterVector.assign(point);
            work.run();
        } finally {
            restore();
        }
    }

    private void displace(double step, Vector along) {
        if (step != 0) {
            backUp();
            parameterVector.add(-step, along);
        }
    }

    private void backUp() {
        if (!backedUp) {
            if (backup == null) {
                backup = Nd4j.createUninitialized(parameters.dataType(), parameters.length());
            }
            backup.assign(parameters);
            backedUp = true;
        }
        displaced = true;
    }

    private void restore() {
        if (displaced) {
            parameters.assign(backup);
            displaced = false;
        }
    }
}
