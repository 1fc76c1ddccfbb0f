package io.github.dl4jstepsize.examples;

import org.nd4j.linalg.dataset.DataSet;

/** A data set in memory, divided into what is trained on and what is tested on. */
final class TrainTest {

    final DataSet train;
    final DataSet test;

    TrainTest(DataSet train, DataSet test) {
        this.train = train;
        this.test = test;
    }
}
