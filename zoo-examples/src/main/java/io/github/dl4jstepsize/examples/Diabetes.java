package io.github.dl4jstepsize.examples;

import org.deeplearning4j.datasets.datavec.RecordReaderDataSetIterator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/**
 * The embedded diabetes data: 442 patients, 10 features, the progression of the disease after a year. From B. Efron,
 * T. Hastie, I. Johnstone and R. Tibshirani, "Least Angle Regression", 2004. Features and target are standardised with
 * the training data's means and deviations; or the features only.
 */
final class Diabetes {

    private static final int PATIENTS = 442;

    private Diabetes() {
    }

    static TrainTest load() {
        return load(true);
    }

    /** The targets are whole numbers from 25 to 346. */
    static TrainTest withTargetsAsTheyAre() {
        return load(false);
    }

    private static TrainTest load(boolean standardizeTargets) {
        return TrainTest.split(new DataSet(table("diabetes_data_raw"), table("diabetes_target")))
                .standardize(standardizeTargets);
    }

    private static INDArray table(String name) {
        return Csv.read("/data/" + name + ".csv.gz", ' ', reader -> new RecordReaderDataSetIterator(reader, PATIENTS))
                .getFeatures();
    }
}
