package io.github.dl4jstepsize;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** Where things are in the updater state. */
class StateLayoutTest {

    private static final int PARAMETERS = 7;

    /** ND4J's updater operations take a slow path where gradients are in C and states in Fortran order. */
    @ParameterizedTest
    @ValueSource(chars = {'c', 'f'})
    void partsAreViewsInTheOrderOfGradients(char order) {
        StateLayout layout = StateLayout.of(new L4Updater());
        INDArray state = Nd4j.zeros(DataType.FLOAT, layout.size(PARAMETERS, 1)).dup(order);
        INDArray base = layout.base(state, PARAMETERS);
        base.assign(1);
        assertEquals('c', base.ordering());
        assertEquals(1, base.elementWiseStride());
        assertEquals(2.0 * PARAMETERS, state.sumNumber().doubleValue(), "it is a view");

        StateLayout four = StateLayout.of(new ProdigyUpdater());
        INDArray memoryState = Nd4j.zeros(DataType.FLOAT, four.size(PARAMETERS, 1)).dup(order);
        for (int index = 0; index < 4; index++) {
            INDArray memory = four.memory(memoryState, PARAMETERS, index);
            memory.assign(1);
            assertEquals('c', memory.ordering());
            assertEquals((index + 1.0) * PARAMETERS, memoryState.sumNumber().doubleValue(), "it is a view");
        }
    }
}
