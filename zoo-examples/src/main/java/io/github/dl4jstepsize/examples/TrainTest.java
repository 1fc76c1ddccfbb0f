package io.github.dl4jstepsize.examples;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.SplitTestAndTrain;
import org.nd4j.linalg.dataset.api.preprocessor.NormalizerStandardize;

import java.util.Random;
import java.util.function.UnaryOperator;

/** A data set in memory, divided into what is trained on and what is tested on. */
final class TrainTest {

    private static final double TRAINING_SHARE = 0.8;
    private static final int SPLIT_SEED = 1;
    private static final int NOISE_SEED = 1;

    final DataSet train;
    final DataSet test;

    TrainTest(DataSet train, DataSet test) {
        this.train = train;
        this.test = test;
    }

    /** 80 % and 20 % of the examples, the same ones every time. */
    static TrainTest split(DataSet all) {
        SplitTestAndTrain split =
                all.splitTestAndTrain((int) (TRAINING_SHARE * all.numExamples()), new Random(SPLIT_SEED));
        return new TrainTest(split.getTrain(), split.getTest());
    }

    /**
     * Shifts and scales the features, and the labels if they are targets, by the training data's means and deviations.
     *
     * @return this
     */
    TrainTest standardize(boolean labels) {
        NormalizerStandardize standardize = new NormalizerStandardize();
        standardize.fitLabel(labels);
        standardize.fit(train);
        standardize.transform(train);
        standardize.transform(test);
        return this;
    }

    /** Features of an example; of a time step in sequences. */
    int inputs() {
        return (int) train.getFeatures().size(1);
    }

    /** Classes or target values. */
    int outputs() {
        return (int) train.getLabels().size(1);
    }

    /** The same test data, and the first training examples. */
    TrainTest withAtMost(int trainingExamples) {
        return trainingExamples >= train.numExamples() ? this
                : new TrainTest(Batches.inOrder(train, trainingExamples).next(), test);
    }

    /** The same data with other features, made of these by something that returns a new array. */
    TrainTest withFeatures(UnaryOperator<INDArray> change) {
        return new TrainTest(new DataSet(change.apply(train.getFeatures()), train.getLabels()),
                new DataSet(change.apply(test.getFeatures()), test.getLabels()));
    }

    /** The same data, with a share of the training labels replaced by classes drawn at random, the right one included. */
    TrainTest withLabelNoise(double share) {
        Random random = new Random(NOISE_SEED);
        INDArray labels = train.getLabels().dup();
        for (int i = 0; i < train.numExamples(); i++) {
            if (random.nextDouble() < share) {
                labels.getRow(i).assign(0).putScalar(random.nextInt(outputs()), 1);
            }
        }
        return new TrainTest(new DataSet(train.getFeatures(), labels), test);
    }
}
