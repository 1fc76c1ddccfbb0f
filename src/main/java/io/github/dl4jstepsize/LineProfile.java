package io.github.dl4jstepsize;

import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.ArrayRealVector;
import org.apache.commons.math3.linear.QRDecomposition;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * What a network's loss and accuracy look like along a line through its parameters: measured, not trained. Shows what a
 * line search sees, on the batch it uses and on others.
 * <pre>{@code
 *   INDArray before = net.params().dup();
 *   net.fit(batch);
 *   INDArray direction = LineProfile.updateDirection(net, before);
 *   LineProfile profile = LineProfile.measure(net, before, direction, LineProfile.steps(-0.5, 1, 31), testData);
 *   profile.losses();  profile.isConvex(1e-3);  profile.parabolaMinimum();
 * }</pre>
 * The loss is DL4J's score in training mode, regularisation included, with the same random numbers at every step; the
 * accuracies are those of the network's output. Two forward passes per step and batch. The network, its score excepted,
 * and the stream of random numbers are on return what they were. To be called between two fits.
 */
public final class LineProfile {

    private final double[] steps;
    private final double[] losses;
    private final double[] accuracies;
    private final double[] smoothAccuracies;
    private double[] parabola;

    private LineProfile(double[] steps) {
        this.steps = steps.clone();
        losses = new double[steps.length];
        accuracies = new double[steps.length];
        smoothAccuracies = new double[steps.length];
    }

    /** {@code count} steps at equal distances, {@code from} and {@code to} included. */
    public static double[] steps(double from, double to, int count) {
        Check.between("count", count, 2, Integer.MAX_VALUE);
        double[] steps = new double[count];
        for (int i = 0; i < count; i++) {
            steps[i] = from + (to - from) * i / (count - 1);
        }
        return steps;
    }

    /**
     * The direction of the last update, {@code before - now}, without the running statistics of BatchNorm, which are no
     * trained parameters.
     *
     * @param before the network's parameters before the update
     * @return an array of the length of the parameters; 0 if the update did not move them
     */
    public static INDArray updateDirection(Model network, INDArray before) {
        INDArray parameters = network.params();
        INDArray direction = before.sub(parameters).reshape(before.length());
        network.paramTable().forEach((name, values) -> {
            if (BatchNormStatistics.isStatistic(name)) {
                direction.get(NetworkVectors.place(values, parameters)).assign(0);
            }
        });
        return direction;
    }

    /**
     * Measures along {@code start - step * direction / |direction|}.
     *
     * @param network   a MultiLayerNetwork or a ComputationGraph with one input and one output
     * @param start     flat parameters where the line begins
     * @param direction flat, not 0
     * @param steps     distances, increasing, at least 3
     * @param data      all batches together make the loss; reset before every step
     * @throws IllegalArgumentException if the steps do not increase, start or direction have another length than the
     *                                  parameters, the direction is 0, or there are no data
     */
    public static LineProfile measure(Model network, INDArray start, INDArray direction, double[] steps,
                                      DataSetIterator data) {
        Check.between("the number of steps", steps.length, 3, Integer.MAX_VALUE);
        for (int i = 1; i < steps.length; i++) {
            if (!(steps[i] > steps[i - 1])) {
                throw Check.out("step " + i, steps[i], "greater than the one before, " + steps[i - 1]);
            }
        }
        requireLength("start", start, network);
        requireLength("direction", direction, network);
        double norm = direction.norm2Number().doubleValue();
        if (!(norm > 0 && norm < Double.POSITIVE_INFINITY)) {
            throw Check.out("the norm of the direction", norm, "greater than 0 and finite");
        }
        LineProfile profile = new LineProfile(steps);
        INDArray parameters = network.params();
        INDArray backup = parameters.dup();
        // A copy, because the parameters themselves may be passed.
        INDArray origin = start.dup().reshape(parameters.shape());
        RandomState random = RandomState.now();
        try {
            INDArray unit = direction.reshape(parameters.shape()).div(norm);
            for (int i = 0; i < steps.length; i++) {
                parameters.assign(origin).subi(unit.mul(steps[i]));
                random.restore();
                profile.evaluate(network, data, i);
            }
        } finally {
            parameters.assign(backup);
            random.restore();
        }
        profile.fitParabola();
        return profile;
    }

    private static void requireLength(String name, INDArray array, Model network) {
        if (Check.given(name, array).length() != network.numParams()) {
            throw Check.out("the length of " + name, array.length(), "that of the parameters, " + network.numParams());
        }
    }

    private void evaluate(Model network, DataSetIterator data, int step) {
        double loss = 0;
        double correct = 0;
        double smooth = 0;
        long examples = 0;
        long labelled = 0;
        data.reset();
        while (data.hasNext()) {
            DataSet batch = data.next();
            int size = batch.numExamples();
            loss += size * score(network, batch);
            examples += size;
            int[] rows = labelledRows(batch);
            INDArray labels = batch.getLabels().rank() == 2 && rows.length > 0 ? batch.getLabels().getRows(rows) : null;
            if (labels != null && areClasses(labels)) {
                INDArray probabilities = output(network, batch).getRows(rows);
                double[] margins = ClassificationError.margins(ClassificationError.numbers(labels),
                        ClassificationError.numbers(probabilities), (int) labels.size(1));
                correct += rows.length * (1 - ClassificationError.hard().mean(margins, null));
                smooth += rows.length * (1 - ClassificationError.smooth(1).mean(margins, null));
                labelled += rows.length;
            } else if (rows.length > 0) {
                correct = Double.NaN;
                smooth = Double.NaN;
            }
        }
        if (examples == 0) {
            throw new IllegalArgumentException("the iterator has no batches");
        }
        losses[step] = loss / examples;
        accuracies[step] = correct / labelled;
        smoothAccuracies[step] = smooth / labelled;
    }

    /** Of the examples that count: a mask of labels may leave some out. */
    private static int[] labelledRows(DataSet batch) {
        INDArray mask = batch.getLabelsMaskArray();
        return IntStream.range(0, batch.numExamples())
                .filter(i -> mask == null || mask.length() != batch.numExamples() || mask.getDouble(i) != 0).toArray();
    }

    /** Whether each row is 1 in one place and 0 elsewhere. */
    private static boolean areClasses(INDArray labels) {
        return labels.size(1) > 1 && labels.max(1).eq(1).all() && labels.norm1(1).eq(1).all();
    }

    private static double score(Model network, DataSet batch) {
        return network instanceof MultiLayerNetwork ? ((MultiLayerNetwork) network).score(batch, true)
                : ((ComputationGraph) network).score(batch, true);
    }

    private static INDArray output(Model network, DataSet batch) {
        if (network instanceof MultiLayerNetwork) {
            return ((MultiLayerNetwork) network).output(batch.getFeatures(), false, batch.getFeaturesMaskArray(),
                    batch.getLabelsMaskArray());
        }
        MultiDataSet arrays = batch.toMultiDataSet();
        return ((ComputationGraph) network).output(false, arrays.getFeatures(), arrays.getFeaturesMaskArrays(),
                arrays.getLabelsMaskArrays())[0];
    }

    /** Least squares: c0 + c1 s + c2 s^2. */
    private void fitParabola() {
        double[][] powers = Arrays.stream(steps).mapToObj(s -> new double[]{1, s, s * s}).toArray(double[][]::new);
        parabola = new QRDecomposition(new Array2DRowRealMatrix(powers, false)).getSolver()
                .solve(new ArrayRealVector(losses, false)).toArray();
    }

    /** Distances along the unit direction. */
    public double[] steps() {
        return steps.clone();
    }

    /** The mean loss at each step. */
    public double[] losses() {
        return losses.clone();
    }

    /** The share of examples whose class is recognised at each step; NaN where labels are not one 1 among zeros. */
    public double[] accuracies() {
        return accuracies.clone();
    }

    /** The mean of sigmoid(probability of the right class - largest other one) at each step; NaN as above. */
    public double[] smoothAccuracies() {
        return smoothAccuracies.clone();
    }

    /**
     * Whether no loss is above the chord of its neighbours by more than {@code tolerance} times the range of the losses; false
     * where one is not finite.
     */
    public boolean isConvex(double tolerance) {
        if (!Arrays.stream(losses).allMatch(Double::isFinite)) {
            return false;
        }
        double range = Arrays.stream(losses).max().orElseThrow() - Arrays.stream(losses).min().orElseThrow();
        for (int i = 1; i < steps.length - 1; i++) {
            double share = (steps[i] - steps[i - 1]) / (steps[i + 1] - steps[i - 1]);
            double chord = losses[i - 1] + share * (losses[i + 1] - losses[i - 1]);
            if (losses[i] > chord + tolerance * range) {
                return false;
            }
        }
        return true;
    }

    /** The step with the smallest loss that was measured; NaN if all are NaN. */
    public double bestStep() {
        return IntStream.range(0, steps.length).filter(i -> !Double.isNaN(losses[i])).boxed()
                .min(Comparator.comparingDouble(i -> losses[i])).map(i -> steps[i]).orElse(Double.NaN);
    }

    /** The loss of the parabola that fits all measured losses best. */
    public double parabola(double step) {
        return parabola[0] + step * (parabola[1] + step * parabola[2]);
    }

    /** Where the fitted parabola has its minimum; NaN if it opens downwards. */
    public double parabolaMinimum() {
        return parabola[2] > 0 ? -parabola[1] / (2 * parabola[2]) : Double.NaN;
    }

    /** Mean distance of the losses from the fitted parabola. */
    public double parabolaError() {
        double sum = 0;
        for (int i = 0; i < steps.length; i++) {
            sum += Math.abs(losses[i] - parabola(steps[i]));
        }
        return sum / steps.length;
    }
}
