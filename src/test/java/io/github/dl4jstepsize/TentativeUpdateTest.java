package io.github.dl4jstepsize;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;

import java.util.stream.Stream;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** The same direction as the updater's own, with the state untouched: whole, in pieces, and with a last one that is shorter. */
class TentativeUpdateTest {

    /** Those of DL4J 1.0.0-M2.1 that have a state, but for AdaBelief, which fails on any array. */
    static Stream<Arguments> updatersAndLengths() {
        return Stream.of(new Adam(), new AMSGrad(), new Nadam(), new AdaMax(), new AdaDelta(), new AdaGrad(),
                        new Nesterovs(), new RmsProp(), new CorrectedAdam(0.9, 0.999, 1e-8))
                .flatMap(updater -> Stream.of(7, BlockVector.PIECE, 2 * BlockVector.PIECE + 1001)
                        .map(length -> Arguments.of(updater, length)));
    }

    @ParameterizedTest
    @MethodSource("updatersAndLengths")
    void isTheUpdatersOwnDirection(IUpdater updater, int length) {
        INDArray state = Nd4j.createUninitialized(DataType.FLOAT, updater.stateSize(length));
        GradientUpdater<?> own = updater.instantiate(state, true);
        TentativeUpdate tentative = new TentativeUpdate(updater, state, length,
                Nd4j.createUninitialized(DataType.FLOAT, TentativeUpdate.room(updater, length)));
        for (int iteration = 0; iteration < 3; iteration++) {
            INDArray gradient = Nd4j.randn(DataType.FLOAT, 1, length);
            INDArray direction = gradient.dup();
            INDArray before = state.dup();
            tentative.apply(direction, iteration, 0);
            assertEquals(0.0, ForwardPassTest.maxDifference(before, state), "the state has changed");
            own.applyUpdater(gradient, iteration, 0);
            assertEquals(0.0, ForwardPassTest.maxDifference(gradient, direction), "iteration " + iteration);
        }
    }
}
