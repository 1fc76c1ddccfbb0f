package io.github.dl4jstepsize;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.layers.IOutputLayer;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.layers.BaseOutputLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.RnnLossLayer;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.util.TimeSeriesUtils;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationSigmoid;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;

/**
 * The complement of the accuracy, or of the smooth accuracy, over the examples (or time steps) that are not masked:
 * <pre>
 *   margin of an answer = p_label - largest other p        p: softmax probabilities
 *                         p_label - (1 - p_label)          sigmoid outputs, each a question of its own
 *   error               = mean of (margin &lt;= 0)
 *   smooth error        = mean of sigmoid(-slopeFactor * margin)
 * </pre>
 * A tie is counted as wrong. Without any answer the error is 0, with a NaN among the answers that count it is NaN.
 */
final class ClassificationError implements Objective {

    private final double slopeFactor;

    private ClassificationError(double slopeFactor) {
        this.slopeFactor = slopeFactor;
    }

    /** 1 - accuracy. */
    static ClassificationError hard() {
        return new ClassificationError(Double.POSITIVE_INFINITY);
    }

    /** 1 - smooth accuracy. */
    static ClassificationError smooth(double slopeFactor) {
        return new ClassificationError(slopeFactor);
    }

    @Override
    public double of(IOutputLayer layer, double regularization, LayerWorkspaceMgr workspaces) {
        Output output = Output.of(layer);
        INDArray answers = output.rows(((Layer) layer).activate(true, workspaces));
        INDArray labels = output.rows(layer.getLabels());
        if (labels.rank() != answers.rank() || labels.size(0) != answers.size(0)
                || !output.sparse && labels.size(1) != answers.size(1)) {
            throw new IllegalStateException("the labels of " + output.name + " do not fit its activations, "
                    + answers.shapeInfoToString());
        }
        double[] targets = output.sparse ? oneHot(numbers(labels), (int) answers.size(1)) : numbers(labels);
        double[] margins = margins(targets, numbers(answers), output.softmax ? (int) answers.size(1) : 1);
        INDArray mask = output.maskRows(((Layer) layer).getMaskArray(), answers.size(0));
        return mean(margins, mask == null ? null : numbers(mask));
    }

    /** Row by row. On the host, because an operation of ND4J takes longer than all that is computed from a few answers. */
    static double[] numbers(INDArray array) {
        return array.dup('c').data().asDouble();
    }

    /** Row by row; a row of zeros for what is no class, as labels may be under a mask. */
    static double[] oneHot(double[] classes, int count) {
        double[] labels = new double[classes.length * count];
        for (int i = 0; i < classes.length; i++) {
            if (classes[i] >= 0 && classes[i] < count) {
                labels[i * count + (int) classes[i]] = 1;
            }
        }
        return labels;
    }

    /**
     * The margin of each answer.
     *
     * @param choices what an answer chooses from: the classes of a softmax, or 1 for sigmoid outputs
     */
    static double[] margins(double[] labels, double[] probabilities, int choices) {
        double[] margins = new double[probabilities.length / choices];
        for (int i = 0; i < margins.length; i++) {
            margins[i] = choices == 1 ? (2 * probabilities[i] - 1) * (2 * labels[i] - 1)
                    : margin(labels, probabilities, i * choices, (i + 1) * choices);
        }
        return margins;
    }

    private static double margin(double[] labels, double[] probabilities, int from, int to) {
        double ofLabel = 0;
        double largestOther = Double.NEGATIVE_INFINITY;
        for (int j = from; j < to; j++) {
            ofLabel += probabilities[j] * labels[j];
            // Probabilities lie in [0, 1]: minus 2, that of the label is never the largest.
            largestOther = Math.max(largestOther, probabilities[j] - 2 * labels[j]);
        }
        return ofLabel - largestOther;
    }

    /** @param weights of the answers, or of as many of them at a time as there are more answers; null if all count */
    double mean(double[] margins, double[] weights) {
        double errors = 0;
        double answers = 0;
        for (int i = 0; i < margins.length; i++) {
            double weight = weights == null ? 1 : weights[(int) ((long) i * weights.length / margins.length)];
            if (weight != 0) {
                errors += weight * error(margins[i]);
                answers += weight;
            }
        }
        return answers == 0 ? 0 : errors / answers;
    }

    private double error(double margin) {
        if (Double.isNaN(margin)) {
            return margin;
        }
        return Double.isInfinite(slopeFactor) ? margin > 0 ? 0 : 1 : 1 / (1 + Math.exp(slopeFactor * margin));
    }

    /** What has to be known of an output layer. */
    private static final class Output {

        private final String name;
        private final boolean softmax;
        private final boolean sparse;
        private final boolean channelsLast;

        private Output(String name, boolean softmax, boolean sparse, boolean channelsLast) {
            this.name = name;
            this.softmax = softmax;
            this.sparse = sparse;
            this.channelsLast = channelsLast;
        }

        private static Output of(IOutputLayer layer) {
            org.deeplearning4j.nn.conf.layers.Layer configuration = ((Layer) layer).conf().getLayer();
            IActivation activation = null;
            ILossFunction loss = null;
            RNNFormat format = RNNFormat.NCW;
            if (configuration instanceof BaseOutputLayer) {
                activation = ((BaseOutputLayer) configuration).getActivationFn();
                loss = ((BaseOutputLayer) configuration).getLossFn();
                if (configuration instanceof RnnOutputLayer) {
                    format = ((RnnOutputLayer) configuration).getRnnDataFormat();
                }
            } else if (configuration instanceof LossLayer) {
                activation = ((LossLayer) configuration).getActivationFn();
                loss = ((LossLayer) configuration).getLossFn();
            } else if (configuration instanceof RnnLossLayer) {
                activation = ((RnnLossLayer) configuration).getActivationFn();
                loss = ((RnnLossLayer) configuration).getLossFn();
                format = ((RnnLossLayer) configuration).getRnnDataFormat();
            }
            boolean softmax = activation instanceof ActivationSoftmax;
            boolean binary = activation instanceof ActivationSigmoid && loss instanceof LossBinaryXENT;
            String name = "output layer " + configuration.getLayerName() + " (" + configuration.getClass().getSimpleName()
                    + ", activation " + activation + ", loss " + loss + ")";
            if (!softmax && !binary) {
                throw new IllegalStateException("a line search on accuracies needs a classification: softmax, or sigmoid"
                        + " with loss XENT, per example or per time step. The network ends in " + name
                        + ". Use metric LOSS or SlsUpdater");
            }
            return new Output(name, softmax, loss instanceof LossSparseMCXENT, format == RNNFormat.NWC);
        }

        /** One row per example or time step, in the order that DL4J's recurrent layers use. */
        private INDArray rows(INDArray array) {
            if (array.rank() != 3) {
                return array;
            }
            return TimeSeriesUtils.reshape3dTo2d(channelsLast ? array.permute(0, 2, 1) : array);
        }

        private INDArray maskRows(INDArray mask, long count) {
            if (mask == null) {
                return null;
            }
            // Some recurrent layers hold their mask as rows already, some as [examples, time steps].
            INDArray rows = mask.rank() == 2 && mask.size(0) != count ? TimeSeriesUtils.reshapeTimeSeriesMaskToVector(mask)
                    : rows(mask);
            if (softmax && rows.size(1) != 1) {
                throw new IllegalStateException("the labels mask of " + name + " masks single classes of a softmax, but an"
                        + " answer counts as a whole: use a mask with one value per example or time step");
            }
            return rows;
        }
    }
}
