package io.github.dl4jstepsize.examples;

import org.deeplearning4j.datasets.datavec.RecordReaderDataSetIterator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/**
 * The embedded diabetes data: 442 patients, 10 features, the progression of the disease after a year. From B. Efron,
 * T. Hastie, I. Johnstone and R. Tibshirani, "Least Angle Regression", 2004. Features and target are standardised with
 * the training data's means and deviations; or the features only; or nothing.
 */
final class Diabetes {

    private static final int PATIENTS = 442;
    private static final int BODY_MASS_INDEX = 2;

    private Diabetes() {
    }

    static TrainTest load() {
        return asItIs().standardize(true);
    }

    /** The targets are whole numbers from 25 to 346. */
    static TrainTest withTargetsAsTheyAre() {
        return asItIs().standardize(false);
    }

    /** The features are a sex of 1 or 2, years, units of blood pressure, and concentrations from 2 to 301 as well. */
    static TrainTest asItIs() {
        return TrainTest.split(new DataSet(table("diabetes_data_raw"), table("diabetes_target")));
    }

    /** With one of the ten features, the body mass index, in other units. */
    static TrainTest withOneFeatureTimes(double factor) {
        return load().withFeatures(features -> {
            INDArray changed = features.dup();
            changed.getColumn(BODY_MASS_INDEX).muli(factor);
            return changed;
        });
    }

    private static INDArray table(String name) {
        return Csv.read("/data/" + name + ".csv.gz", ' ', reader -> new RecordReaderDataSetIterator(reader, PATIENTS))
                .getFeatures();
    }
}
