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
import org.nd4j.linalg.api.ops.impl.shape.OneHot;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossBinaryXENT;
import org.nd4j.linalg.lossfunctions.impl.LossSparseMCXENT;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The complement of the accuracy, or of the smooth accuracy, over the examples (or time steps) that are not masked:
 * <pre>
 *   margin of an answer = p_label - largest other p        p: softmax probabilities
 *                         p_label - (1 - p_label)          sigmoid outputs, each a question of its own
 *   error               = mean of (margin &lt;= 0)
 *   smooth error        = mean of sigmoid(-slopeFactor * margin)
 * </pre>
 * A tie is counted as wrong. Without any answer the error is 0.
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
        INDArray margins = margins(output.sparse ? oneHot(labels, answers) : labels, answers, output.softmax);
        return mean(margins, output.maskRows(((Layer) layer).getMaskArray(), margins.size(0)));
    }

    private static INDArray oneHot(INDArray classes, INDArray like) {
        INDArray labels = like.ulike();
        Nd4j.exec(new OneHot(classes.reshape(classes.length()), labels, (int) like.size(1)));
        return labels;
    }

    /** One row per answer; one column for softmax, one per output for sigmoid. */
    static INDArray margins(INDArray labels, INDArray answers, boolean softmax) {
        INDArray targets = labels.castTo(answers.dataType());
        if (!softmax) {
            // (2p - 1)(2y - 1)
            return answers.mul(2).subi(1).muli(targets.mul(2).subi(1));
        }
        INDArray ofLabel = answers.mul(targets).sum(true, 1);
        // Probabilities lie in [0, 1]: minus 2, that of the label is never the largest.
        INDArray largestOther = answers.sub(targets.mul(2)).max(true, 1);
        return ofLabel.subi(largestOther);
    }

    /** @param mask as margins, or one column for all of them; null for none */
    double mean(INDArray margins, INDArray mask) {
        INDArray errors = Double.isInfinite(slopeFactor) ? margins.lte(0).castTo(margins.dataType())
                : Transforms.sigmoid(margins.mul(-slopeFactor), false);
        if (mask == null) {
            return errors.meanNumber().doubleValue();
        }
        INDArray weights = mask.castTo(errors.dataType());
        if (weights.size(1) == 1 && errors.size(1) > 1) {
            weights = weights.broadcast(errors.shape());
        }
        double answers = weights.sumNumber().doubleValue();
        return answers == 0 ? 0 : errors.muli(weights).sumNumber().doubleValue() / answers;
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
